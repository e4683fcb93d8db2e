package server

import "golang.org/x/sys/windows"

// refused is the error of a socket at which nobody listens.
const refused = windows.WSAECONNREFUSED
