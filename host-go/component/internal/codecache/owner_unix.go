//go:build unix

package codecache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// A cache is machine code, which the process runs. So only this user and root may be able to write or replace
// it; root can do anything anyway. A process of root's trusts only root: a user's cache must not run with
// root's rights.

// own reports whether a file belongs to this user or to root.
func own(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && (stat.Uid == 0 || int(stat.Uid) == os.Geteuid())
}

// private reports whether only a file's owner may write to it, and the owner is this user or root.
func private(info fs.FileInfo) bool { return info.Mode().Perm()&0o022 == 0 && own(info) }

// maxLinks is how many symbolic links the path of a cache may have.
const maxLinks = 32

// trusted returns the reason that another user could put files into a folder, or another folder in its place.
// It returns nil when no other user can. It checks the whole path, through symbolic links, as far as the path
// exists. A path may lead through folders like /tmp, in which each file belongs to its owner.
func trusted(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	for range maxLinks {
		target, err := trustedUntilLink(path)
		if target == "" || err != nil {
			return err
		}
		path = target
	}
	return fmt.Errorf("%s: too many symbolic links", path)
}

// trustedUntilLink checks a path as far as its first symbolic link. It returns the target of the link, or ""
// when there is none.
func trustedUntilLink(path string) (target string, err error) {
	at, rest := "/", strings.TrimPrefix(path, "/")
	for {
		info, err := os.Lstat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return "", nil // This user will make it.
		case err != nil:
			return "", err
		case info.Mode()&fs.ModeSymlink != 0:
			to, err := os.Readlink(at)
			if err == nil && !own(info) {
				err = notOwn(at, info)
			}
			if !filepath.IsAbs(to) {
				to = filepath.Join(filepath.Dir(at), to)
			}
			return filepath.Join(to, rest), err
		case !own(info):
			return "", notOwn(at, info)
		case writableByOthers(info) && info.Mode()&fs.ModeSticky == 0:
			return "", fmt.Errorf("others may write to %s (its mode is %v): take that right away (chmod go-w), or choose another folder", at, info.Mode().Perm())
		case rest == "":
			return "", nil
		}
		var next string
		next, rest, _ = strings.Cut(rest, "/")
		at = filepath.Join(at, next)
	}
}

// writableByOthers reports whether anybody except the owner may write to a folder. A user's own group, which
// has the user's number and no other members, counts as the user. The group of number 0 counts as root.
func writableByOthers(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	group := ok && info.Mode().Perm()&0o020 != 0 && stat.Gid != 0 && (stat.Gid != stat.Uid || int(stat.Gid) != os.Getegid())
	return !ok || group || info.Mode().Perm()&0o002 != 0
}

func notOwn(path string, info fs.FileInfo) error {
	owner := "another user"
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		owner = fmt.Sprintf("user %d", stat.Uid)
	}
	return fmt.Errorf("%s belongs to %s, and this process runs as user %d: it would run the code of the other user; run it as that user, or choose another folder", path, owner, os.Geteuid())
}
