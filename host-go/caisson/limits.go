package caisson

import "time"

// Limits bound what one server of a [Client] may cost. The zero value of each is its default. "What bounds
// what" in docs/architecture.md lists these bounds and the fixed ones.
type Limits struct {
	// ConnectTimeout bounds [Client.Connect] from its first message to its last. Default: 60 s.
	// Calls have no bound but their context.
	ConnectTimeout time.Duration
	// MaxMessageBytes bounds one message of a server's. Default: 32 MiB.
	MaxMessageBytes int64
	// MaxMemoryBytes bounds the sandbox of one session, rounded up to pages of 64 KiB. The core needs
	// about 30 MB to start, and several times the size of a message to read the message. A core that needs
	// more ends the session, or Connect, with [CodeTrap]. Default: 512 MiB.
	MaxMemoryBytes int64
	// MaxGuestTime bounds how long the core may compute without returning, for one call or one
	// batch of events. It is the time that the core has of a processor, and not that of the wall: a core that
	// waits for its turn on a busy machine does not use it up. By the wall clock a core may take ten times as
	// long. A core that takes longer ends the session with [CodeTrap]. The deadline of a context bounds
	// how long a caller waits. Default: 30 s.
	MaxGuestTime time.Duration

	// MaxListPages, MaxListItems and MaxListBytes bound all pages of one list together, for the iterators
	// of a [Session] and for a [Group]. A list beyond a bound ends the iteration with [CodeLimit].
	// Defaults: 1000 pages, 100,000 items, 64 MiB.
	MaxListPages int
	MaxListItems int
	MaxListBytes int64

	// NotificationQueue is how many notifications may wait for the handlers. When there are more, the
	// session ends with [CodeLimit]. Each call has its own queue for progress; when that is full, the call
	// ends. Default: 1024.
	NotificationQueue int
	// MaxQueuedBytes bounds the notifications, the progress and the questions of one session, taken
	// together, that wait for handlers or are being handled. A notification that does not fit ends the
	// session with [CodeLimit], progress ends its call, and a question is answered with an error. One
	// message of MaxMessageBytes always fits into an empty queue: the bound is never less than
	// MaxMessageBytes. Default: 64 MiB.
	MaxQueuedBytes int64
	// InputRounds is how many rounds of questions one call, and its task, may each lead to in revision
	// 2026-07-28 (specification, "Multi Round-Trip Requests"; the Tasks extension). One more fails the
	// call with [CodeProtocol].
	// Default: 10.
	InputRounds int

	// RetryBudget is how long one call may wait in all when a server answers 429 or 503 with Retry-After, and
	// one authorization when an authorization server does, or cannot be connected to.
	// Negative: it never waits. Default: 30 s.
	RetryBudget time.Duration
	// Restarts is how often in succession a server's command that ended by itself is started again, with
	// growing delays. Calls in flight that only read are sent again; all others fail with [CodeTransport].
	// Default: 0.
	Restarts int
	// MaxRecordBytes bounds one recording. A longer one is cut, with a mark at its end.
	// Default: 256 MiB.
	MaxRecordBytes int64
}

const (
	defaultConnectTimeout    = 60 * time.Second
	defaultMaxMessageBytes   = 32 << 20
	defaultMaxMemoryBytes    = 512 << 20
	defaultMaxGuestTime      = 30 * time.Second
	defaultNotificationQueue = 1024
	defaultMaxQueuedBytes    = 64 << 20
	defaultInputRounds       = 10
	defaultRetryBudget       = 30 * time.Second
	defaultMaxRecordBytes    = 256 << 20
	defaultMaxListPages      = 1000
	defaultMaxListItems      = 100_000
	defaultMaxListBytes      = 64 << 20
)

// withDefaults fills in the defaults.
func (l Limits) withDefaults() Limits {
	l.ConnectTimeout = orDefault(l.ConnectTimeout, defaultConnectTimeout)
	l.MaxMessageBytes = orDefault(l.MaxMessageBytes, defaultMaxMessageBytes)
	l.MaxMemoryBytes = orDefault(l.MaxMemoryBytes, defaultMaxMemoryBytes)
	l.MaxGuestTime = orDefault(l.MaxGuestTime, defaultMaxGuestTime)
	l.NotificationQueue = orDefault(l.NotificationQueue, defaultNotificationQueue)
	l.MaxQueuedBytes = orDefault(l.MaxQueuedBytes, defaultMaxQueuedBytes)
	l.InputRounds = orDefault(l.InputRounds, defaultInputRounds)
	l.MaxRecordBytes = orDefault(l.MaxRecordBytes, defaultMaxRecordBytes)
	l.MaxListPages = orDefault(l.MaxListPages, defaultMaxListPages)
	l.MaxListItems = orDefault(l.MaxListItems, defaultMaxListItems)
	l.MaxListBytes = orDefault(l.MaxListBytes, defaultMaxListBytes)
	l.RetryBudget = max(0, orDefault(l.RetryBudget, defaultRetryBudget))
	return l
}

// check finds an invalid limit.
func (l *Limits) check() error {
	for _, limit := range []struct {
		name  string
		value int64
	}{
		{"ConnectTimeout", int64(l.ConnectTimeout)},
		{"MaxMessageBytes", l.MaxMessageBytes},
		{"MaxMemoryBytes", l.MaxMemoryBytes},
		{"MaxGuestTime", int64(l.MaxGuestTime)},
		{"NotificationQueue", int64(l.NotificationQueue)},
		{"MaxQueuedBytes", l.MaxQueuedBytes},
		{"InputRounds", int64(l.InputRounds)},
		{"Restarts", int64(l.Restarts)},
		{"MaxRecordBytes", l.MaxRecordBytes},
		{"MaxListPages", int64(l.MaxListPages)},
		{"MaxListItems", int64(l.MaxListItems)},
		{"MaxListBytes", l.MaxListBytes},
	} {
		if limit.value < 0 {
			return errOption("ClientOptions." + limit.name + " is negative")
		}
	}
	return nil
}
