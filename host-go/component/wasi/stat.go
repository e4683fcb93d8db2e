package wasi

import (
	"hash/maphash"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
)

// status is what the operating system knows of a file in addition to fs.FileInfo. A field that the system
// does not report is zero, except links.
type status struct {
	device, inode, links uint64
	accessed, changed    time.Time
}

// typeOf returns the descriptor-type of a file.
func typeOf(mode fs.FileMode) component.Enum {
	switch {
	case mode.IsRegular():
		return "regular-file"
	case mode.IsDir():
		return "directory"
	case mode&fs.ModeSymlink != 0:
		return "symbolic-link"
	case mode&fs.ModeNamedPipe != 0:
		return "fifo"
	case mode&fs.ModeSocket != 0:
		return "socket"
	case mode&fs.ModeCharDevice != 0:
		return "character-device"
	case mode&fs.ModeDevice != 0:
		return "block-device"
	}
	return "unknown"
}

// descriptorStat returns a descriptor-stat.
func descriptorStat(fi fs.FileInfo, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	s := systemStatus(fi)
	return component.Record{
		typeOf(fi.Mode()), s.links, uint64(max(fi.Size(), 0)),
		timestamp(s.accessed), timestamp(fi.ModTime()), timestamp(s.changed),
	}, nil
}

// timestamp returns an option<datetime>.
func timestamp(t time.Time) component.Option {
	if t.IsZero() {
		return component.None()
	}
	return component.Some(datetime(t))
}

// newTimestamp reads a new-timestamp. The zero time means no change.
func (h *host) newTimestamp(v any) time.Time {
	switch v := v.(component.Variant); v.Case {
	case "now":
		return h.cfg.Now()
	case "timestamp":
		r := v.Value.(component.Record)
		return time.Unix(int64(r[0].(uint64)), int64(r[1].(uint32)))
	}
	return time.Time{}
}

// identity is the input of a metadata hash.
type identity struct {
	mount         *Mount
	path          string // set when the system gives no number
	device, inode uint64
	size, changed int64
}

// metadataHash returns the metadata-hash-value of a file in d's mount.
func (h *host) metadataHash(d *descriptor, name string, fi fs.FileInfo, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	s := systemStatus(fi)
	id := identity{mount: d.mount, device: s.device, inode: s.inode, size: fi.Size(), changed: fi.ModTime().UnixNano()}
	if s.inode == 0 {
		id.path = path.Join(d.path, name)
	}
	return component.Record{maphash.Comparable(h.seeds[0], id), maphash.Comparable(h.seeds[1], id)}, nil
}

// same reports whether two descriptors have the same file.
func (d *descriptor) same(other *descriptor) (bool, error) {
	if d == other {
		return true, nil
	}
	if d.mount.Root == nil || other.mount.Root == nil {
		return d.mount == other.mount && d.path == other.path, nil
	}
	a, err := d.stat()
	if err != nil {
		return false, err
	}
	b, err := other.stat()
	return err == nil && os.SameFile(a, b), err
}
