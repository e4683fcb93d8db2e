package access

import "golang.org/x/sys/unix"

// peerOfSocket is the user of the process at the other end of a socket.
func peerOfSocket(fd int) (uid int, err error) {
	of, err := unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return 0, err
	}
	return int(of.Uid), nil
}
