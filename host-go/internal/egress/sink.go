package egress

// Ref names one exchange or one pipe of a Session, for good. The core may use an id again as soon as it
// has aborted the exchange or got its end; an older event may then still be on its way. So the caller of
// HTTPStart adds a generation that the id never had before. Every event has the generation, and the
// receiver drops events of an old one.
type Ref struct {
	// ID is the core's number.
	ID uint32
	// Generation tells the uses of one ID apart.
	Generation uint64
}

// Sink receives what happens. The calls for one Ref come in order and never two at a time; calls
// for different Refs come at the same time. A call that blocks is back-pressure: nothing more is
// read for this Ref until it returns. A Sink must not wait for the goroutine that is in
// [Broker.Close]: Close waits for the Sink.
type Sink interface {
	// HTTPHead is the status and the header of a response: names in lower case, sorted. It comes
	// at most once, before any HTTPBody.
	HTTPHead(exchange Ref, status int, header [][2]string)
	// HTTPBody is a part of the body, 1 byte to 64 KiB. The chunk is the Sink's to keep.
	HTTPBody(exchange Ref, chunk []byte)
	// HTTPEnd is the end: nil when the response came whole. It comes exactly once, unless
	// HTTPResponse comes, the exchange was aborted, or it was refused at once.
	HTTPEnd(exchange Ref, err *Error)
	// HTTPResponse is a whole response, in place of the three above: one of up to 64 KiB that is no
	// stream of events. Bytes of the body that are not UTF-8 are replaced by U+FFFD.
	HTTPResponse(exchange Ref, status int, header [][2]string, body string)
	// PipeData is one line of the command's standard output, without its line break. Bytes that
	// are not UTF-8 are replaced by U+FFFD. Empty lines are left out. With more, another one follows
	// at once.
	PipeData(pipe Ref, message string, more bool)
	// PipeClosed is the end, when the command is gone: nil when PipeClose asked for it. It comes
	// exactly once, unless the pipe was refused at once.
	PipeClosed(pipe Ref, err *Error)
}
