package wasi

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/caisson-dev/caisson/host-go/component"
)

// addFilesystem defines wasi:filesystem, with the mounts.
func (h *host) addFilesystem(l *component.Linker) {
	i := l.Interface("wasi:filesystem/types" + version)
	h.descriptors = addResource(h, i, "descriptor", (*descriptor).drop)
	h.directories = addResource(h, i, "directory-entry-stream", (*directoryStream).drop)
	l.Interface("wasi:filesystem/preopens"+version).
		Func("get-directories", func(context.Context, []any) ([]any, error) { return one(h.preopens()) })
	i.Func("filesystem-error-code", func(_ context.Context, args []any) ([]any, error) {
		err, failed := h.errors.get(args[0])
		if failed != nil {
			return nil, failed
		}
		var c code
		var pe *fs.PathError
		if !errors.As(err, &c) && !errors.As(err, &pe) {
			return []any{component.None()}, nil
		}
		return []any{component.Some(component.Enum(codeOf(err)))}, nil
	})
	h.directories.method("read-directory-entry", func(_ context.Context, s *directoryStream, _ []any) (any, error) {
		e, err := s.next()
		return fsResult(e, err), nil
	})
	h.addFiles()
	h.addPaths()
}

// preopens returns each mount as an open directory.
func (h *host) preopens() ([]any, error) {
	out := make([]any, len(h.cfg.Mounts))
	for i := range h.cfg.Mounts {
		rep, err := h.descriptors.own(h.preopen(i))
		if err != nil {
			return nil, err
		}
		out[i] = component.Tuple{rep, h.cfg.Mounts[i].Path}
	}
	return out, nil
}

// preopen returns a mount as an open directory.
func (h *host) preopen(i int) *descriptor {
	m := &h.cfg.Mounts[i]
	d := &descriptor{mount: m, path: ".", flags: flagRead, dir: m.folder(), done: func() {}}
	if m.Root != nil && !m.ReadOnly {
		d.flags |= flagMutate
	}
	return d
}

// onDescriptor defines a method that returns a result with an error-code.
func (h *host) onDescriptor(name string, f func(d *descriptor, args []any) (any, error)) {
	h.descriptors.method(name, func(_ context.Context, d *descriptor, args []any) (any, error) {
		v, err := f(d, args)
		return fsResult(v, err), nil
	})
}

// addFiles defines the methods on open files and folders.
func (h *host) addFiles() {
	h.onDescriptor("read-via-stream", func(d *descriptor, args []any) (any, error) {
		f, err := d.readable()
		if err != nil {
			return nil, err
		}
		return h.input(&fileInput{f.retain(), args[0].(uint64)})
	})
	h.onDescriptor("write-via-stream", func(d *descriptor, args []any) (any, error) {
		f, err := d.changeable()
		if err != nil {
			return nil, err
		}
		return h.output(&fileOutput{file: f.retain(), at: args[0].(uint64)})
	})
	h.onDescriptor("append-via-stream", func(d *descriptor, _ []any) (any, error) {
		f, err := d.changeable()
		if err != nil {
			return nil, err
		}
		return h.output(&fileOutput{file: f.retain(), atTheEnd: true})
	})
	h.onDescriptor("read", func(d *descriptor, args []any) (any, error) {
		return d.read(args[0].(uint64), args[1].(uint64))
	})
	h.onDescriptor("write", func(d *descriptor, args []any) (any, error) {
		f, err := d.changeable()
		if err != nil {
			return nil, err
		}
		n, err := f.writeAt(args[0].([]byte), args[1].(uint64))
		return uint64(n), err
	})
	h.onDescriptor("set-size", func(d *descriptor, args []any) (any, error) {
		if d.file == nil {
			return nil, code("is-directory")
		}
		t, ok := d.file.File.(interface{ Truncate(int64) error })
		size := args[0].(uint64)
		switch {
		case !ok:
			return nil, code("read-only")
		case d.flags&flagWrite == 0:
			return nil, code("invalid") // as ftruncate does
		case size > 1<<63-1:
			return nil, code("file-too-large")
		}
		return nil, t.Truncate(int64(size))
	})
	h.onDescriptor("set-times", func(d *descriptor, args []any) (any, error) {
		if d.file != nil && d.flags&flagWrite == 0 {
			return nil, code("bad-descriptor")
		}
		if d.file == nil {
			return nil, d.setTimes(followLink, ".", h.newTimestamp(args[0]), h.newTimestamp(args[1]))
		}
		root, name, err := d.now()
		if err != nil {
			return nil, err
		}
		return nil, root.Chtimes(name, h.newTimestamp(args[0]), h.newTimestamp(args[1]))
	})
	h.onDescriptor("advise", func(d *descriptor, _ []any) (any, error) {
		if d.file == nil {
			return nil, code("bad-descriptor")
		}
		return nil, nil // The host may ignore advice.
	})
	sync := func(d *descriptor, _ []any) (any, error) {
		if d.flags&flagWrite == 0 {
			return nil, nil
		}
		if s, ok := d.file.File.(interface{ Sync() error }); ok {
			return nil, s.Sync()
		}
		return nil, nil
	}
	h.onDescriptor("sync", sync)
	h.onDescriptor("sync-data", sync)
	h.onDescriptor("get-flags", func(d *descriptor, _ []any) (any, error) { return d.flags, nil })
	h.onDescriptor("get-type", func(d *descriptor, _ []any) (any, error) {
		if d.file == nil {
			return component.Enum("directory"), nil
		}
		return component.Enum("regular-file"), nil
	})
	h.onDescriptor("stat", func(d *descriptor, _ []any) (any, error) { return descriptorStat(d.stat()) })
	h.onDescriptor("metadata-hash", func(d *descriptor, _ []any) (any, error) {
		fi, err := d.stat()
		return h.metadataHash(d, ".", fi, err)
	})
	h.onDescriptor("read-directory", func(d *descriptor, _ []any) (any, error) {
		s, err := d.readDirectory(h)
		if err != nil {
			return nil, err
		}
		return h.directories.own(s)
	})
	h.descriptors.method("is-same-object", func(_ context.Context, d *descriptor, args []any) (any, error) {
		other, err := h.descriptors.get(args[0])
		if err != nil {
			return nil, err
		}
		// The method has no error result. A file that cannot be inspected counts as another.
		same, _ := d.same(other)
		return same, nil
	})
}

// addPaths defines the methods on paths.
func (h *host) addPaths() {
	flags := func(v any) component.Flags { return v.(component.Flags) }
	h.onDescriptor("open-at", func(d *descriptor, args []any) (any, error) {
		opened, err := d.openAt(h, flags(args[0]), args[1].(string), flags(args[2]), flags(args[3]))
		if err != nil {
			return nil, err
		}
		return h.descriptors.own(opened)
	})
	h.onDescriptor("stat-at", func(d *descriptor, args []any) (any, error) {
		return descriptorStat(d.statAt(flags(args[0]), args[1].(string)))
	})
	h.onDescriptor("metadata-hash-at", func(d *descriptor, args []any) (any, error) {
		fi, err := d.statAt(flags(args[0]), args[1].(string))
		return h.metadataHash(d, args[1].(string), fi, err)
	})
	h.onDescriptor("set-times-at", func(d *descriptor, args []any) (any, error) {
		return nil, d.setTimes(flags(args[0]), args[1].(string), h.newTimestamp(args[2]), h.newTimestamp(args[3]))
	})
	h.onDescriptor("create-directory-at", func(d *descriptor, args []any) (any, error) {
		r, err := d.writable(args[0].(string))
		if err != nil {
			return nil, err
		}
		return nil, r.Mkdir(args[0].(string), 0o777)
	})
	h.onDescriptor("remove-directory-at", func(d *descriptor, args []any) (any, error) {
		return nil, d.remove(args[0].(string), true)
	})
	h.onDescriptor("unlink-file-at", func(d *descriptor, args []any) (any, error) {
		return nil, d.remove(args[0].(string), false)
	})
	h.onDescriptor("readlink-at", func(d *descriptor, args []any) (any, error) {
		return d.readLink(args[0].(string))
	})
	h.onDescriptor("symlink-at", func(d *descriptor, args []any) (any, error) {
		text, name := args[0].(string), args[1].(string)
		if err := checkPath(text); err != nil {
			return nil, err
		}
		r, err := d.writable(name)
		if err != nil {
			return nil, err
		}
		return nil, r.Symlink(text, name)
	})
	h.onDescriptor("link-at", func(d *descriptor, args []any) (any, error) {
		if flags(args[0])&followLink != 0 {
			return nil, code("invalid")
		}
		return h.onPair(d, args[1:], (*os.Root).Link)
	})
	h.onDescriptor("rename-at", func(d *descriptor, args []any) (any, error) {
		return h.onPair(d, args, (*os.Root).Rename)
	})
}

// onPair reads the arguments old-path, new-descriptor and new-path.
func (h *host) onPair(d *descriptor, args []any, f func(r *os.Root, old, name string) error) (any, error) {
	to, err := h.descriptors.get(args[1])
	if err != nil {
		return nil, err
	}
	return nil, d.pair(args[0].(string), to, args[2].(string), f)
}
