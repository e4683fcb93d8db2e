package binary

// unsupportedCanon has the names of the canonical built-ins outside the MVP.
var unsupportedCanon = map[byte]string{
	0x05: "task.cancel", 0x06: "subtask.cancel", 0x08: "backpressure.set", 0x09: "task.return",
	0x0a: "context.get", 0x0b: "context.set", 0x0c: "thread.yield", 0x0d: "subtask.drop",
	0x0e: "stream.new", 0x0f: "stream.read", 0x10: "stream.write", 0x11: "stream.cancel-read",
	0x12: "stream.cancel-write", 0x13: "stream.drop-readable", 0x14: "stream.drop-writable",
	0x15: "future.new", 0x16: "future.read", 0x17: "future.write", 0x18: "future.cancel-read",
	0x19: "future.cancel-write", 0x1a: "future.drop-readable", 0x1b: "future.drop-writable",
	0x1c: "error-context.new", 0x1d: "error-context.debug-message", 0x1e: "error-context.drop",
	0x1f: "waitable-set.new", 0x20: "waitable-set.wait", 0x21: "waitable-set.poll",
	0x22: "waitable-set.drop", 0x23: "waitable.join", 0x24: "backpressure.inc",
	0x25: "backpressure.dec", 0x26: "thread.index", 0x27: "thread.new-indirect",
	0x28: "thread.resume-later", 0x29: "thread.suspend", 0x2a: "thread.suspend-then-resume",
	0x2b: "thread.yield-then-resume", 0x2c: "thread.suspend-then-promote",
	0x2d: "thread.yield-then-promote", 0x40: "thread.spawn-ref", 0x41: "thread.spawn-indirect",
	0x42: "thread.available-parallelism",
}

func (r *reader) canon() *Canon {
	c := &Canon{Offset: r.pos}
	b := r.byte()
	switch b {
	case 0x00:
		r.expect(0x00, "canon lift")
		c.Kind, c.Func, c.Options, c.Type = CanonLift, r.u32(), r.options(), r.u32()
	case 0x01:
		r.expect(0x00, "canon lower")
		c.Kind, c.Func, c.Options = CanonLower, r.u32(), r.options()
	case 0x02:
		c.Kind, c.Type = CanonResourceNew, r.u32()
	case 0x03:
		c.Kind, c.Type = CanonResourceDrop, r.u32()
	case 0x04:
		c.Kind, c.Type = CanonResourceRep, r.u32()
	default:
		if name, ok := unsupportedCanon[b]; ok {
			r.unsupported(c.Offset, "canon %s is not supported: asynchronous built-ins are outside the MVP", name)
		}
		r.fail(c.Offset, "invalid leading byte (%#x) for canonical function", b)
	}
	return c
}

func (r *reader) expect(want byte, what string) {
	start := r.pos
	if b := r.byte(); b != want {
		r.fail(start, "invalid leading byte (%#x) for %s", b, what)
	}
}

func (r *reader) options() Options {
	var o Options
	encoded := false
	encoding := func(at int, e Encoding) {
		if encoded {
			r.fail(at, "canonical encoding option `%s` conflicts with option `%s`", o.Encoding, e)
		}
		encoded, o.Encoding = true, e
	}
	index := func(at int, p **uint32, what string) {
		if *p != nil {
			r.fail(at, "canonical option `%s` is specified more than once", what)
		}
		i := r.u32()
		*p = &i
	}
	for range r.count("canonical options", maxFields) {
		at := r.pos
		switch b := r.byte(); b {
		case 0x00:
			encoding(at, UTF8)
		case 0x01:
			encoding(at, UTF16)
		case 0x02:
			encoding(at, Latin1UTF16)
		case 0x03:
			index(at, &o.Memory, "memory")
		case 0x04:
			index(at, &o.Realloc, "realloc")
		case 0x05:
			index(at, &o.PostReturn, "post-return")
		case 0x06:
			r.unsupported(at, "canonical option `async` is not supported")
		case 0x07:
			r.unsupported(at, "canonical option `callback` is not supported")
		case 0x08, 0x09:
			r.unsupported(at, "canonical option %#x: garbage-collected values are not supported", b)
		default:
			r.fail(at, "invalid leading byte (%#x) for canonical option", b)
		}
	}
	return o
}

// String returns the encoding in the spelling of the specification's tests.
func (e Encoding) String() string {
	return [...]string{"utf8", "utf16", "latin1-utf16"}[e]
}
