package wasi

import (
	"io/fs"
	"syscall"
	"time"
)

func systemStatus(fi fs.FileInfo) status {
	s, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return status{links: 1}
	}
	return status{
		uint64(s.Dev), s.Ino, uint64(s.Nlink),
		time.Unix(s.Atim.Unix()), time.Unix(s.Ctim.Unix()),
	}
}
