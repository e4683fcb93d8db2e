package isolate

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"github.com/landlock-lsm/go-landlock/landlock"
	kernelcalls "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/caisson-dev/caisson/host-go/internal/isolation"
)

// restrict takes away from this process what a worker does not need, as far as the kernel can. The error says what
// it cannot.
func restrict(what, folder, scratch string) error {
	return errors.Join(closeInherited(), confine(what, folder, scratch), filter())
}

// closeInherited closes what this process has open beside its standard streams, whoever opened it; but not what Go's
// runtime waits with.
func closeInherited() error {
	const descriptors = "/proc/self/fd"
	entries, err := os.ReadDir(descriptors)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil || fd <= 2 {
			continue
		}
		to, err := os.Readlink(filepath.Join(descriptors, entry.Name()))
		if err == nil && !strings.HasPrefix(to, "anon_inode:") {
			_ = unix.Close(fd)
		}
	}
	return nil
}

// confine lets the process open nothing but the folder of compiled code, and its own. It writes only to its own where that
// is not beside the compiled code: to put code there it makes links.
func confine(what, folder, scratch string) error {
	have, err := kernelcalls.LandlockGetABIVersion()
	if err != nil || have < 1 {
		return fmt.Errorf("it has no Landlock, or it is off: %w", err)
	}
	if folder, err = filepath.Abs(folder); err != nil {
		return err
	}
	const read = kernelcalls.AccessFSReadFile | kernelcalls.AccessFSReadDir | kernelcalls.AccessFSRefer
	const link = read | kernelcalls.AccessFSMakeReg | kernelcalls.AccessFSMakeDir | kernelcalls.AccessFSRemoveFile | kernelcalls.AccessFSRemoveDir
	const write = link | kernelcalls.AccessFSWriteFile | kernelcalls.AccessFSTruncate
	ofFolder, ofScratch := landlock.AccessFSSet(read), landlock.AccessFSSet(link)
	if what == isolation.Compile {
		ofFolder = write
	}
	if filepath.Dir(scratch) != folder {
		ofScratch = write
	}
	return landlock.V9.BestEffort().Restrict(
		landlock.PathAccess(ofFolder, folder).IgnoreIfMissing(),
		landlock.PathAccess(ofScratch, scratch),
	)
}

// refused are the system calls that no worker needs: those that reach something outside of it, or another process.
var refused = []uint32{
	unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_EXECVE, unix.SYS_EXECVEAT,
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_GETFD, unix.SYS_KILL,
	unix.SYS_IO_URING_SETUP, unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY,
	unix.SYS_MOUNT, unix.SYS_UNSHARE, unix.SYS_SETNS,
}

// architectures are those that the filter is for.
var architectures = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

// filter refuses system calls.
func filter() error {
	architecture, ok := architectures[runtime.GOARCH]
	if !ok {
		return fmt.Errorf("system calls can be refused on amd64 and arm64, and this is %s", runtime.GOARCH)
	}
	no := bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)}
	program := []bpf.Instruction{
		bpf.LoadAbsolute{Off: 4, Size: 4}, // of struct seccomp_data: the architecture, and the number at 0
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: architecture, SkipTrue: 1},
		no,
		bpf.LoadAbsolute{Off: 0, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: 0x40000000, SkipTrue: 1}, // x32, on amd64
		no,
	}
	for _, call := range refused {
		program = append(program, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: call, SkipTrue: 1}, no)
	}
	raw, err := bpf.Assemble(append(program, bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW}))
	if err != nil {
		return err
	}
	runtime.LockOSThread() // The first call below is for this thread, and the second takes it to all.
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	instructions := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		instructions[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	loaded := unix.SockFprog{Len: uint16(len(instructions)), Filter: &instructions[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&loaded)))
	runtime.KeepAlive(instructions)
	if errno != 0 {
		return fmt.Errorf("system calls cannot be refused: %w", errno)
	}
	return nil
}
