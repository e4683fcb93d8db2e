// Package client calls MCP servers through a daemon, caissond, as package caisson calls them in process.
//
// [Dial] gives a [Client]. [Client.Session] names a server of the daemon's configuration, and [Client.Connect] makes a
// session that only this program uses, and on which it answers what the server asks. Both give a [Session], which is a
// [caisson.Caller] with the methods of a [caisson.Session]: a program that is written against Caller changes the line in
// which it gets one. [Hybrid] is a Caller that takes the daemon, or this process, or one where the other is not there.
//
// For scripts, and for who runs the daemon, there are the generated clients of package
// gen/caisson/v1/caissonv1connect; docs/daemon.md shows one.
//
// It is a gRPC client on grpc-go, whose resolvers and balancers it uses. What a failure was is a [*caisson.Error] with the
// same Code as in process.
package client
