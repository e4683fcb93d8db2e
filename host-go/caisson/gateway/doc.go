// Package gateway serves many MCP servers as one. A [Gateway] is an MCP server in front of sessions of package
// caisson, behind the policy of their clients: over stdio ([Gateway.Run]) and over streamable HTTP
// ([Gateway.Handler]), in revision 2026-07-28 and the older ones, whatever the servers behind it speak.
//
// # Endpoints
//
//   - /mcp has the tools, prompts and resources of all servers, and of [Options].Sources. The names of tools and
//     prompts begin with the server's: see [ToolName].
//   - /servers/NAME is one server alone, with the names that it gives itself.
//   - each of [Options].Endpoints has a path of its own.
//
// # Sessions
//
// A downstream client of the older revisions has upstream sessions of its own, from its first request until its
// session ends. In revision 2026-07-28, which has no sessions, the clients of one principal that declare the same
// capabilities share upstream sessions; a call in which the server may ask the client something, or log, has an
// upstream session to itself while it lasts, so that what the server says reaches the client that it concerns.
//
// Sessions of the older revisions share upstream sessions, too, with the servers that the policy says are stateless: those
// of one principal that declare the same capabilities.
//
// # Tasks and extensions
//
// A call becomes a task for clients and servers of 2026-07-28 with the extension, and of 2025-11-25: the gateway relays
// the task where both are of 2026-07-28, and follows it elsewhere. Other extensions are relayed at /servers/NAME.
//
// # Lists
//
// What a server lists is kept for the upstream session that it came to (see [caisson.ListCache]). The policy, the pins
// and the log see each list that a client asks for as if it had just come.
//
// # Resources
//
// Resources keep their URIs. A URI leads to the server that lists it, whose template it fits, or that linked to it in
// a result of the same client; no other server hears of it. When two servers list the same URI or template, the first
// in the order of their names has it, the other's is left out, and the log says so.
package gateway
