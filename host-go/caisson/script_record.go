package caisson

import (
	"encoding/json"
	"io"
	"time"

	"github.com/caisson-dev/caisson/host-go/internal/record"
)

// record has the run recorded. The writer is closed with the recording.
func (r *scriptRun) record(to io.WriteCloser) error {
	build, err := r.config.Engine.Build()
	if err != nil {
		return &Error{Code: CodeInternal, Step: "record", Message: "the build cannot be found out: " + err.Error(), Err: err}
	}
	limits, err := json.Marshal(r.config.Limits)
	if err != nil {
		return &Error{Code: CodeInternal, Step: "record", Message: err.Error(), Err: err}
	}
	o := &r.client.options
	header := record.Header{
		Core: build, Began: time.Now().UTC(), MemoryBytes: r.config.Limits.MemoryBytes,
		Script: &record.Script{Name: r.name, Language: r.language.Name(), Component: componentName(r.language), Limits: limits},
	}
	r.config.Record = record.NewWriter(to, header, record.Options{
		Limit: o.MaxRecordBytes, Secrets: o.RecordSecrets, Whole: true, Learned: r.tools.secrets,
		Failed: func(err error) {
			o.Logger.Warn("the recording of the script is not whole", "script", r.name, "error", err)
		},
	})
	if r.text != r.source.Text {
		r.config.Record.Source(r.text)
	}
	return nil
}

// secrets are those of the servers of a set.
func (t *ToolSet) secrets() []string {
	if t == nil {
		return nil
	}
	var all []string
	for _, c := range t.servers {
		all = append(all, secretsOf(c)...)
	}
	return all
}

// secretsOf are the secrets that a Caller is known to have.
func secretsOf(c Caller) []string {
	var all []string
	switch c := c.(type) {
	case *Session:
		if c.session == nil {
			return nil
		}
		if known := c.session.secrets.Load(); known != nil {
			all = append(all, *known...)
		}
		if c.authorization != nil {
			all = append(all, c.authorization.Secrets()...)
		}
	case *Group:
		for _, m := range c.members {
			m.mu.Lock()
			session := m.session
			m.mu.Unlock()
			if session != nil {
				all = append(all, secretsOf(session)...)
			} else if m.caller != nil {
				all = append(all, secretsOf(m.caller)...)
			}
		}
	case *guarded:
		return secretsOf(c.behind)
	}
	return all
}
