package access

import (
	"net"

	"golang.org/x/sys/unix"
)

// peerOf is the user of the process that has connected.
func peerOf(conn *net.UnixConn) (uid int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var of *unix.Ucred
	failed := raw.Control(func(fd uintptr) { of, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if failed != nil {
		return 0, failed
	}
	if err != nil {
		return 0, err
	}
	return int(of.Uid), nil
}
