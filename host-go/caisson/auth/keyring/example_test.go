package keyring_test

import (
	"log"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/caisson/auth/keyring"
)

// A store that all processes of a user share, with its key in the keyring or, where there is none, in a file.
func ExampleOrFile() {
	store, err := auth.OpenFileStore(auth.FileStoreOptions{Key: keyring.OrFile()})
	if err != nil {
		log.Fatal(err)
	}
	method := &auth.OAuth{Common: auth.Common{Store: store}}
	_ = method // The value of Server.Auth.
}
