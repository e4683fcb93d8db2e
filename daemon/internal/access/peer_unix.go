//go:build linux || darwin

package access

import "net"

// peerOf is the user of the process that has connected.
func peerOf(conn *net.UnixConn) (uid int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	if failed := raw.Control(func(fd uintptr) { uid, err = peerOfSocket(int(fd)) }); failed != nil {
		return 0, failed
	}
	return uid, err
}
