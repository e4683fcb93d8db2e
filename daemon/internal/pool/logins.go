package pool

import "github.com/caisson-dev/caisson/host-go/caisson/auth"

// withLogins has a way to authorize keep its logins in a store, for a principal. Nobody can be asked to log in here:
// a person does that before, with 'caisson auth login'.
func withLogins(method auth.Method, store auth.Store, principal string) auth.Method {
	own := func(common *auth.Common) {
		if common.Store == nil {
			common.Store = store
		}
		if common.Principal == "" {
			common.Principal = principal
		}
	}
	switch m := method.(type) {
	case *auth.OAuth:
		copied := *m
		copied.Ask, copied.Device = nil, nil
		own(&copied.Common)
		return &copied
	case *auth.ClientCredentials:
		copied := *m
		own(&copied.Common)
		return &copied
	case *auth.EnterpriseManaged:
		copied := *m
		own(&copied.Common)
		return &copied
	case *auth.WorkloadIdentity:
		copied := *m
		own(&copied.Common)
		return &copied
	}
	return method
}
