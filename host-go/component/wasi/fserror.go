package wasi

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/caisson-dev/caisson/host-go/component"
)

// code is an error-code of wasi:filesystem.
type code string

func (c code) Error() string { return "filesystem: " + string(c) }

// errnos has the error-code for each error of the operating system.
var errnos = map[syscall.Errno]code{
	syscall.EACCES: "access", syscall.EAGAIN: "would-block", syscall.EBADF: "bad-descriptor",
	syscall.EBUSY: "busy", syscall.EDEADLK: "deadlock", syscall.EDQUOT: "quota",
	syscall.EEXIST: "exist", syscall.EFBIG: "file-too-large", syscall.EILSEQ: "illegal-byte-sequence",
	syscall.EINTR: "interrupted", syscall.EINVAL: "invalid", syscall.EIO: "io",
	syscall.EISDIR: "is-directory", syscall.ELOOP: "loop", syscall.EMLINK: "too-many-links",
	syscall.ENAMETOOLONG: "name-too-long", syscall.ENODEV: "no-device", syscall.ENOENT: "no-entry",
	syscall.ENOLCK: "no-lock", syscall.ENOMEM: "insufficient-memory", syscall.ENOSPC: "insufficient-space",
	syscall.ENOTDIR: "not-directory", syscall.ENOTEMPTY: "not-empty", syscall.ENOTSUP: "unsupported",
	syscall.ENOSYS: "unsupported", syscall.ENXIO: "no-such-device", syscall.EOVERFLOW: "overflow",
	syscall.EPERM: "not-permitted", syscall.EPIPE: "pipe", syscall.EROFS: "read-only",
	syscall.ESPIPE: "invalid-seek", syscall.ETXTBSY: "text-file-busy", syscall.EXDEV: "cross-device",
	syscall.EMFILE: "insufficient-memory", syscall.ENFILE: "insufficient-memory",
}

// codeOf returns the error-code for an error of a file operation.
func codeOf(err error) code {
	var c code
	if errors.As(err, &c) {
		return c
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		if c, ok := errnos[errno]; ok {
			return c
		}
		if c, ok := systemCode(errno); ok {
			return c
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "no-entry"
	case errors.Is(err, fs.ErrExist):
		return "exist"
	case errors.Is(err, fs.ErrPermission):
		return "access"
	case errors.Is(err, fs.ErrInvalid):
		return "invalid"
	case errors.Is(err, os.ErrClosed):
		return "bad-descriptor"
	case errors.Is(err, errors.ErrUnsupported):
		return "unsupported"
	}
	// os.Root returns a special error for a path that leads out of its folder.
	var pe *fs.PathError
	var le *os.LinkError
	if errors.As(err, &pe) && isEscape(pe.Err) || errors.As(err, &le) && isEscape(le.Err) {
		return "not-permitted"
	}
	return "io"
}

// isEscape reports whether err is that error of os.Root, which package os does not export.
func isEscape(err error) bool { return err != nil && err.Error() == "path escapes from parent" }

// fsResult returns a result<T, error-code>.
func fsResult(v any, err error) any {
	if err != nil {
		return component.Err(component.Enum(codeOf(err)))
	}
	return component.OK(v)
}
