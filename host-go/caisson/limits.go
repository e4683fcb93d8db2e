package caisson

import "time"

// Limits bound what one server of a [Client]'s may cost. The zero value of each is its default.
// "What bounds what" in docs/architecture.md has these and the bounds that are fixed.
type Limits struct {
	// ConnectTimeout bounds [Client.Connect] from its first message to its last. Default: 60 s.
	// Calls have no bound but their context.
	ConnectTimeout time.Duration
	// MaxMessageBytes bounds one message of a server's. Default: 32 MiB.
	MaxMessageBytes int64
	// MaxMemoryBytes bounds the sandbox of one session, rounded up to pages of 64 KiB. The core takes
	// about 30 MB of it to start, and several times the size of a message to read one; what needs more
	// ends the session, or Connect, with [CodeTrap]. Default: 512 MiB.
	MaxMemoryBytes int64
	// MaxGuestTime bounds how long the core may compute without returning, for one call or one
	// batch of events. What takes longer ends the session with [CodeTrap]. Default: 30 s.
	MaxGuestTime time.Duration

	// MaxListPages, MaxListItems and MaxListBytes bound the pages of one list of a server's, taken
	// together, in what fetches all of them: the iterators of a [Session], and a [Group]. One more ends
	// the iteration with [CodeLimit]. Defaults: 1000 pages, 100,000 items, 64 MiB.
	MaxListPages int
	MaxListItems int
	MaxListBytes int64

	// NotificationQueue is how many notifications may wait for the handlers. When there are more,
	// the session ends with [CodeLimit]; progress of one call waits by itself, and ends that call.
	// Default: 1024.
	NotificationQueue int
	// MaxQueuedBytes bounds what a server has sent and the handlers have not done with: notifications,
	// progress and questions, counted together for one session. A notification that does not fit ends
	// the session with [CodeLimit], progress ends its call, and a question is answered with an error.
	// One message of MaxMessageBytes always fits into an empty queue: where this is less than that, that
	// is the bound. Default: 64 MiB.
	MaxQueuedBytes int64
	// InputRounds is how many rounds of questions one call, and its task, may each lead to in revision
	// 2026-07-28 (specification, "Multi Round-Trip Requests"; the Tasks extension). One more fails the
	// call with [CodeProtocol].
	// Default: 10.
	InputRounds int

	// RetryBudget is how long one call may wait in all where a server answers 429 or 503 and says
	// when to try again (Retry-After). Negative: never. Default: 30 s.
	RetryBudget time.Duration
	// Restarts is how often, one time after the other, a server's command that ended by itself is
	// started again, with growing delays. Calls in flight fail with [CodeTransport], save for those
	// that only ask, which are sent again. Default: 0.
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

// check finds a limit that cannot be.
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
