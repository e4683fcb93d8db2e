package egress

// Request is an HTTP request of the core's: http-request in wit/egress.wit.
type Request struct {
	// Method is the method, in capitals.
	Method string
	// URL is absolute, and has no user name and no password.
	URL string
	// Header holds the fields, name and value. Those that belong to the host are left out: see
	// hostFields.
	Header [][2]string
	// Body is the body, in UTF-8; nil for none.
	Body *string
}
