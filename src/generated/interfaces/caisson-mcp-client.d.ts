/// <reference path="./caisson-mcp-types.d.ts" />
declare module 'caisson:mcp/client@0.1.0' {
  /**
   * Opens a session: negotiates the revision and shakes hands. Called once a session.
   * 
   * Settles with a JSON object: `protocolVersion`, `serverInfo` (absent when a server of revision
   * 2026-07-28 does not name itself), `capabilities`, `instructions` (absent when the server gave
   * none), `transport` (`http`, `sse` or `stdio`) and `sessionId` (absent when the server gave
   * none). After an error the session is gone.
   * 
   * On stdio the core sends the probe for revision 2026-07-28 first. When the command ends before it has
   * answered anything, the core opens the command once more, and sends the older handshake. The core does
   * the same when the command has not answered for 15 s, or half of `connect-timeout`: two pipes are then
   * open for a while. Over HTTP, a server that is silent that long gets the older handshake beside the probe.
   */
  export function connect(call: CallId, session: SessionId, config: SessionConfig): void;
  /**
   * `tools/list`: one page. `nextCursor` in the result leads to the next one.
   */
  export function listTools(call: CallId, session: SessionId, params: Json): void;
  /**
   * `tools/call`. A tool's own failure is a result with `isError`. When the tool was listed with an
   * `outputSchema`, a result that does not match it settles with `output-schema`.
   * 
   * When the server makes a task of the call, the core follows the task and settles with the result of
   * the tool; `host.task-state` reports each state. When the call ends before the task, the core cancels
   * the task. In revision 2025-11-25 the core calls a tool that runs only as a task as one. To know that,
   * the core lists the tools of a server that has tasks, when it has not listed them yet.
   */
  export function callTool(call: CallId, session: SessionId, params: Json): void;
  /**
   * `resources/list`: one page.
   */
  export function listResources(call: CallId, session: SessionId, params: Json): void;
  /**
   * `resources/templates/list`: one page.
   */
  export function listResourceTemplates(call: CallId, session: SessionId, params: Json): void;
  /**
   * `resources/read`.
   */
  export function readResource(call: CallId, session: SessionId, params: Json): void;
  /**
   * `resources/subscribe`. Revision 2026-07-28 has `listen` in its place.
   */
  export function subscribe(call: CallId, session: SessionId, params: Json): void;
  /**
   * `resources/unsubscribe`. Revision 2026-07-28 has `listen` in its place.
   */
  export function unsubscribe(call: CallId, session: SessionId, params: Json): void;
  /**
   * `prompts/list`: one page.
   */
  export function listPrompts(call: CallId, session: SessionId, params: Json): void;
  /**
   * `prompts/get`.
   */
  export function getPrompt(call: CallId, session: SessionId, params: Json): void;
  /**
   * `completion/complete`.
   */
  export function complete(call: CallId, session: SessionId, params: Json): void;
  /**
   * `logging/setLevel`. Revision 2026-07-28 no longer has it: there the core remembers the level, asks for
   * it in the `_meta` of each request, and settles with `{}`.
   */
  export function setLoggingLevel(call: CallId, session: SessionId, params: Json): void;
  /**
   * `subscriptions/listen` (revision 2026-07-28): asks for notifications. `host.listening` tells
   * what the server grants. It settles when the subscription is over: with `{}` when the server
   * ended it, otherwise with an error; `cancel` ends it. In the older revisions, which have no
   * such thing, it settles with `invalid-argument`.
   */
  export function listen(call: CallId, session: SessionId, params: Json): void;
  /**
   * `tools/call` as a task, without waiting for its end. Settles with the server's answer: the task
   * (`CreateTaskResult`), or in revision 2026-07-28 the tool's result, where the server makes no
   * task of it. In revision 2025-11-25 `params` may have `task`; what the server or the tool does
   * not run as a task settles with `invalid-argument`, and so it does in the older revisions.
   */
  export function startTask(call: CallId, session: SessionId, params: Json): void;
  /**
   * `tasks/get`: the state of a task.
   */
  export function getTask(call: CallId, session: SessionId, params: Json): void;
  /**
   * Waits for the end of a task, whose params are those of `get-task`. Settles with the result of the
   * tool's call, as `call-tool` does, but without the check of the schema. `cancel` does not cancel the task.
   */
  export function waitTask(call: CallId, session: SessionId, params: Json): void;
  /**
   * `tasks/update` (revision 2026-07-28): answers what a task asks.
   */
  export function updateTask(call: CallId, session: SessionId, params: Json): void;
  /**
   * `tasks/cancel`.
   */
  export function cancelTask(call: CallId, session: SessionId, params: Json): void;
  /**
   * `tasks/list`: one page. Revision 2026-07-28 has no such list.
   */
  export function listTasks(call: CallId, session: SessionId, params: Json): void;
  /**
   * `skills/list` (the Skills extension, SEP-2640): one page. Settles with the server's page; in it,
   * `skills` has the entries that are valid, as the server sent them, and `invalid` says of each other
   * one its `index` in the server's page, its `uri`, where it has one, and the `reason`. An entry whose
   * URI is twice in the page is not valid. A server that does not declare the extension has none.
   */
  export function listSkills(call: CallId, session: SessionId, params: Json): void;
  /**
   * `skills/get`: the entry of one skill, by the `uri` of its SKILL.md, whether it is listed or not. An
   * entry that is not valid, or of another skill, settles with `protocol`; without the extension, it
   * settles with `invalid-argument`.
   */
  export function getSkill(call: CallId, session: SessionId, params: Json): void;
  /**
   * Reads one file of a skill with `resources/read`, and verifies it against the skill's entry: `params`
   * are `skill`, the entry, `path`, which is relative to the skill's root or a URI (absent for the
   * SKILL.md), and `_meta`. Settles with `uri`, `mimeType` (absent where the server gave none), `text`
   * or `blob` (base64), `verified` (false where the entry says "dynamic", so that nothing is known of
   * size and digest), and for the SKILL.md with its `frontmatter`, which is that of the entry, and its
   * `body`. What is not as its entry says settles with `unverified`; an entry that is not valid, with
   * `invalid-argument`.
   */
  export function readSkill(call: CallId, session: SessionId, params: Json): void;
  /**
   * `resources/directory/read`: one page of what is directly in a folder of a skill, by its `uri`. Where
   * the server does not declare `directoryRead` for the extension, it settles with `invalid-argument`.
   */
  export function readSkillDirectory(call: CallId, session: SessionId, params: Json): void;
  /**
   * A notification to the server. Settles with `{}` when it is sent.
   */
  export function notify(call: CallId, session: SessionId, method: string, params: Json): void;
  /**
   * `ping`. Revision 2026-07-28 has no ping: there it is a `server/discover`, which every server
   * of that revision answers; it settles with `{}`.
   */
  export function ping(call: CallId, session: SessionId): void;
  /**
   * Any request of the protocol, or of an extension of it, by its method name. What the session's
   * revision does not have settles with `invalid-argument`.
   */
  export function request(call: CallId, session: SessionId, method: string, params: Json): void;
  /**
   * Cancels an operation. The core tells the server in the way that the session's revision prescribes, and
   * the operation settles with `cancelled`, unless it has settled already. An unknown id is ignored: the
   * outcome may have been on its way. May be called any number of times.
   */
  export function cancel(call: CallId, reason: string): void;
  /**
   * Ends a session: tells the server if the transport can, closes the connection, and settles every
   * operation of the session with `closed`. Settles with `{}`, also when the session is over already.
   */
  export function close(call: CallId, session: SessionId): void;
  export type Json = import('caisson:mcp/types@0.1.0').Json;
  export type CallId = import('caisson:mcp/types@0.1.0').CallId;
  export type SessionId = import('caisson:mcp/types@0.1.0').SessionId;
  /**
   * How to reach a server over HTTP. The host adds the headers that its user configured to each
   * exchange; the core never sees them.
   */
  export type Endpoint = EndpointHttp | EndpointSse | EndpointHttpOrSse | EndpointStdio;
  /**
   * Streamable HTTP at this URL.
   */
  export interface EndpointHttp {
    tag: 'http',
    val: string,
  }
  /**
   * HTTP with server-sent events, the transport of revision 2024-11-05, at this URL.
   */
  export interface EndpointSse {
    tag: 'sse',
    val: string,
  }
  /**
   * Streamable HTTP at this URL first, and `sse` where the server does not speak it
   * (specification, basic/transports, "Backwards Compatibility").
   */
  export interface EndpointHttpOrSse {
    tag: 'http-or-sse',
    val: string,
  }
  /**
   * The session's command, over its standard input and output.
   */
  export interface EndpointStdio {
    tag: 'stdio',
  }
  /**
   * The name the client gives itself (specification, `Implementation`).
   */
  export interface Implementation {
    /**
     * The program's name.
     */
    name: string,
    /**
     * The program's version.
     */
    version: string,
    /**
     * A name for people, when it has one.
     */
    title?: string,
  }
  /**
   * What `connect` needs to know.
   */
  export interface SessionConfig {
    /**
     * Where the server is.
     */
    endpoint: Endpoint,
    /**
     * Who is calling.
     */
    clientInfo: Implementation,
    /**
     * What the client can do for the server (specification, `ClientCapabilities`): a JSON object,
     * declared as it is, extensions among it. In revision 2026-07-28 the core declares the Tasks extension
     * with it, which it drives by itself. Of the protocol's own requests only what is declared is ever
     * asked of the host, see `host.ask`.
     */
    capabilities: Json,
    /**
     * The revisions to speak, of those that the core knows; empty for all of them.
     */
    protocolVersions: Array<string>,
    /**
     * How often the host may be asked, one round after the other, on behalf of one call in
     * revision 2026-07-28 (`input_required`). One more fails the call.
     */
    inputRounds: number,
    /**
     * Milliseconds that one call may spend, in all, on waiting as the server's `Retry-After` says
     * (HTTP 429 and 503). 0 never waits.
     */
    retryBudget: number,
    /**
     * How often in succession a command that ended by itself is started again; 0 for never. The count
     * starts anew when the command has run for a minute.
     */
    restarts: number,
    /**
     * Whether results that the server gives a time to live (revision 2026-07-28, `ttlMs`) are
     * kept and given again.
     */
    cacheResults: boolean,
    /**
     * Milliseconds that `connect` may take in all, from its first message to its last, but for the time in
     * which a person logs in.
     */
    connectTimeout: number,
    /**
     * Whether the core may authorize: `authorization.begin` is there for who asks.
     */
    authorizes: boolean,
  }
}
