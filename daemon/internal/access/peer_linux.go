package access

import "golang.org/x/sys/unix"

// peerOfSocket is the user of the process at the other end of a socket.
func peerOfSocket(fd int) (uid int, err error) {
	of, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return 0, err
	}
	return int(of.Uid), nil
}
