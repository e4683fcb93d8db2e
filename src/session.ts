import type { ListToolsResult, Tool } from '@modelcontextprotocol/client';
import { ProtocolError } from '@modelcontextprotocol/client';
import type { SessionConfig } from 'caisson:mcp/client@0.1.0';
import { closed, log, renewed } from 'caisson:mcp/host@0.1.0';
import type { Json, SessionId } from 'caisson:mcp/types@0.1.0';

import { Cache } from './cache.js';
import type { Call } from './calls.js';
import { rejectAll } from './calls.js';
import type { TappedClient } from './client.js';
import { optionsFor } from './client.js';
import type { Connection } from './connection.js';
import type { CallFailure } from './errors.js';
import { failure, toError } from './errors.js';
import { exact, isEmpty } from './json.js';
import { isMeta } from './lane.js';
import { Link } from './link.js';
import { listen } from './listen.js';
import { PROBE } from './probe.js';
import type { Answer, Params } from './requests.js';
import { ANY_RESULT, parse } from './requests.js';
import { Sender } from './sender.js';
import { Created, created, createdIn } from './task.js';
import { Tasks } from './tasks.js';
import { clearTimeout, setTimeout } from './timers.js';
import { Tools, mayMirror, without } from './tools.js';

/** A server refused a `tools/call` for its headers, before it did anything (revision 2026-07-28). */
const HEADER_MISMATCH = -32020;

/** How many pages of tools are looked through for one. */
const MOST_PAGES = 100;

/** One server, from `connect` until the host closes the session. */
export class Session {
    readonly #link: Link;
    readonly #sender: Sender;
    readonly #tools: Tools;
    readonly #cache = new Cache();
    readonly #tasks: Tasks;
    #connecting: Call | undefined;
    #closing: Promise<void> | undefined;

    constructor(
        readonly id: SessionId,
        private readonly config: SessionConfig
    ) {
        this.#tools = new Tools(text => log(id, 'warn', text));
        this.#link = new Link(id, config);
        this.#sender = new Sender(this.#link);
        this.#tasks = new Tasks(id, config.inputRounds, (...request) => this.#sender.send(...request));
        this.#link.onlost = cause => this.#onLost(cause);
    }

    /** Opens the connection. The session is gone after an error. */
    async connect(call: Call): Promise<Json> {
        const { connectTimeout } = this.config;
        this.#connecting = call;
        const expire = () => call.abort(late(connectTimeout, this.#link.unanswered));
        const timer = setTimeout(expire, connectTimeout);
        try {
            const connection = await this.#link.open(call);
            if (call.settled) {
                await connection.close();
                call.check();
            }
            this.#hear(connection);
            this.#link.onconnection = connection => this.#onRenewed(connection);
            return connection.describe();
        } finally {
            this.#connecting = undefined;
            clearTimeout(timer);
        }
    }

    /** Any request by its method name. What returns nothing settles the operation itself. */
    request(call: Call, method: string, params: Json): Promise<Json> | undefined {
        const given = parse(params);
        const quickly =
            method === 'tools/call'
                ? this.#callQuickly(call, given, params)
                : this.#askQuickly(call, method, given, params);
        return quickly ? undefined : this.#request(call, method, exact(given, params));
    }

    async #request(call: Call, method: string, given: Params): Promise<Json> {
        switch (method) {
            case 'initialize':
                throw failure('invalid-argument', 'initialize belongs to connect');
            case 'ping':
                return this.#ping(call);
            case 'tools/call':
                return this.#callTool(call, given);
            case 'logging/setLevel':
                return this.#setLevel(call, given);
            case 'subscriptions/listen':
                return listen(call, this.#link, given);
        }
        if (method.startsWith('tasks/')) return (await this.#tasks.request(call, method, given)).result;
        const key = this.#key(call, method, given);
        return (key === undefined ? undefined : this.#cache.get(key)) ?? this.#ask(call, method, given, key);
    }

    /** Calls a tool as a task, and does not wait for it: it comes to the task, or to the result at once. */
    async startTask(call: Call, params: Json): Promise<Json> {
        return (await this.#toolAnswer(call, exact(parse(params), params), true)).result;
    }

    /** Waits for the end of a task. */
    async waitTask(call: Call, params: Json): Promise<Json> {
        return (await this.#tasks.wait(call, parse(params))).result;
    }

    /** A notification to the server. */
    async notify(method: string, params: Json): Promise<Json> {
        const given = exact(parse(params), params);
        const { client } = await this.#link.current();
        await client.notification({ method, params: given });
        return '{}';
    }

    /** Ends the session, once. Never fails. */
    close(call: Call): Promise<void> {
        return (this.#closing ??= this.#end(call));
    }

    async #end(closing: Call): Promise<void> {
        const over = failure('closed', 'the session is closed');
        this.#connecting?.abort(over);
        rejectAll(this.id, over, closing);
        await this.#tasks.farewell();
        await this.#link.close(over);
    }

    /** What comes nearest to a ping: the newest revision has none. */
    async #ping(call: Call): Promise<Json> {
        const sent = await this.#sender.over(call, true, ({ client }) =>
            client.getProtocolEra() === 'legacy'
                ? client.ping(optionsFor(call))
                : client.request({ method: 'server/discover' }, optionsFor(call))
        );
        return sent.result && '{}';
    }

    /** Under what a result is kept, if it is: the older revisions give none a time to live. */
    #key(call: Call, method: string, given: Params): string | undefined {
        if (!this.config.cacheResults || this.#link.live?.legacy === true) return undefined;
        return this.#cache.key(method, given, call.raw);
    }

    /** Asks the server, and keeps its result under a key. A connection is given where the request has gone out on it. */
    async #ask(call: Call, method: string, given: Params, key: string | undefined, sent?: Connection): Promise<Json> {
        const { value, result } =
            method === 'tools/list'
                ? await this.#listTools(call, given, sent)
                : await this.#sender.send(call, method, given, sent);
        if (key !== undefined && !call.asked) this.#cache.put(key, method, given, value, result);
        return result;
    }

    /** Asks past the SDK, when it would do nothing of its own to the request. */
    #askQuickly(call: Call, method: string, given: Params, text: Json): boolean {
        const connection = this.#link.live;
        if (!connection?.lane?.takes(method, given)) return false;
        const { client, lane } = connection;
        const key = this.#key(call, method, given);
        const kept = key === undefined ? undefined : this.#cache.get(key);
        if (kept !== undefined) {
            call.resolve(kept);
            return true;
        }
        const leveled = this.#sender.level !== undefined;
        lane.send(call, {
            method,
            params: leveled ? this.#sender.leveled(client, exact(given, text)) : given,
            // An object without a member has nothing that the era's could stand behind.
            text: leveled || isEmpty(given) ? undefined : text,
            finish: (value, text) => {
                try {
                    const result =
                        method === 'tools/list' ? this.#learn(call, client, value as ListToolsResult, text) : text;
                    if (key !== undefined) this.#cache.put(key, method, given, value, result);
                    call.resolve(result);
                } catch (error) {
                    call.reject(error);
                }
            },
            otherwise: taken => {
                call.taken = taken;
                call.follow(this.#ask(call, method, exact(given, text), key, connection));
            }
        });
        return true;
    }

    async #listTools(call: Call, given: Params, sent?: Connection): Promise<Answer> {
        const answer = await this.#sender.send(call, 'tools/list', given, sent);
        const { value, result, client } = answer;
        return { ...answer, result: this.#learn(call, client, value as ListToolsResult, result) };
    }

    /** A page of tools came. Gives its text, without those that the SDK would drop. */
    #learn(call: Call, client: TappedClient, page: ListToolsResult, text: Json): Json {
        const mirroring = client.getProtocolEra() === 'modern' && mayMirror(text);
        const dropped = mirroring ? client.dropUnusable(page) : undefined;
        const kept = dropped?.size ? without(text, dropped) : text;
        this.#tools.learn(page, kept, mirroring);
        return call.raw ? text : kept;
    }

    /** Calls a tool past the SDK, when it would do nothing of its own to the request. */
    #callQuickly(call: Call, given: Params, text: Json): boolean {
        const connection = this.#link.live;
        const { name, _meta, task } = given;
        if (!connection?.lane || typeof name !== 'string' || task !== undefined || !isMeta(_meta)) return false;
        const { client, lane } = connection;
        const known = this.#tools.known(name);
        // Of one that is not known the server says so when it wants headers: the SDK takes the call over then.
        if ((lane.modern && known?.plain === false) || !this.#tasks.plain(known?.tool, this.#tools.isHidden(name)))
            return false;
        const check = known && this.#tools.check(name, known);
        const leveled = this.#sender.level !== undefined;
        lane.send(call, {
            method: 'tools/call',
            params: leveled ? this.#sender.leveled(client, exact(given, text)) : given,
            text: leveled ? undefined : text,
            finish(result, text) {
                try {
                    check?.(result);
                    call.resolve(text);
                } catch (error) {
                    call.reject(error);
                }
            },
            otherwise: taken => {
                call.taken = taken;
                call.follow(this.#callTool(call, exact(given, text), connection));
            }
        });
        return true;
    }

    /** Calls a tool. A connection is given where the request has gone out on it. */
    async #callTool(call: Call, given: Params, sent?: Connection): Promise<Json> {
        const name = toolOf(given);
        const check = this.#tools.check(name);
        let answer = await this.#toolAnswer(call, given, 'task' in given, sent);
        if (answer.value instanceof Created) answer = await this.#tasks.drive(call, answer.value.state, answer.result);
        // The tool may have been listed, or the list may have changed, since.
        (this.#tools.check(name) ?? check)?.(answer.value);
        return answer.result;
    }

    /** What a server answers to a tool's call, which may be a task. */
    async #toolAnswer(call: Call, given: Params, asTask: boolean, sent?: Connection): Promise<Answer> {
        const name = toolOf(given);
        const find = () => this.#tool(call, name);
        const known = this.#tools.get(name);
        const params =
            asTask || this.#tasks.kind === 'experimental' ? await this.#tasks.asked(given, asTask, find) : given;
        try {
            return await this.#callKnown(call, name, params, sent);
        } catch (error) {
            const task = createdIn(error, call);
            if (task) return task;
            // The tool's parameters have changed since it was listed. The SDK lists it anew by itself
            // when it is not told what they were.
            if (!(error instanceof ProtocolError && error.code === HEADER_MISMATCH) || !known) throw error;
            this.#tools.forget();
            return this.#toolAnswer(call, given, asTask);
        }
    }

    /** A tool that the server has, listed when it is not known yet. */
    async #tool(call: Call, name: string): Promise<Tool | undefined> {
        if (this.#tools.isHidden(name)) return undefined;
        for (let page = 0, cursor: unknown; page < MOST_PAGES && !this.#tools.get(name); page++) {
            const { value } = await this.#listTools(call, cursor === undefined ? {} : { cursor });
            cursor = (value as ListToolsResult).nextCursor;
            if (cursor === undefined || cursor === '') {
                if (!this.#tools.get(name)) this.#tools.hide(name);
                break;
            }
        }
        return this.#tools.get(name);
    }

    #callKnown(call: Call, name: string, given: Params, sent?: Connection): Promise<Answer> {
        const send = async (connection: Connection) => {
            const { client } = connection;
            const params = this.#sender.leveled(client, given) as { name: string };
            if ('task' in params && connection.legacy)
                return created(await client.request({ method: 'tools/call', params }, ANY_RESULT, optionsFor(call)));
            const tool = this.#tools.get(name);
            // Results are checked here: the SDK's own check would compile the schema for each call.
            const toolDefinition = tool && { name, inputSchema: tool.inputSchema };
            const options = { ...optionsFor(call), ...(toolDefinition && { toolDefinition }) };
            return this.#sender.read(call, connection, 'tools/call', () => client.callTool(params, options));
        };
        return this.#sender.over(call, this.#tools.repeatable(name), send, sent);
    }

    async #setLevel(call: Call, given: Params): Promise<Json> {
        const { client } = await this.#link.current();
        this.#sender.level = given['level'];
        if (client.getProtocolEra() === 'modern') return '{}';
        return (await this.#sender.send(call, 'logging/setLevel', given)).result;
    }

    #hear(connection: Connection): void {
        this.#tasks.use(connection);
        connection.client.onlisted = page => this.#tools.learn(page, JSON.stringify(page), true);
        connection.tap.onnotification = (method, params) => {
            this.#cache.notified(method, params?.['uri']);
            if (method === 'notifications/tools/list_changed') this.#tools.forget();
            if (method.startsWith('notifications/tasks')) this.#tasks.notified(params);
        };
    }

    #onRenewed(connection: Connection): void {
        this.#cache.clear();
        this.#tools.forget();
        this.#hear(connection);
        renewed(this.id, connection.describe());
    }

    #onLost(cause: CallFailure): void {
        rejectAll(this.id, cause);
        closed(this.id, toError(cause, 'session'));
    }
}

/** The end of the time for connecting, and what the server has not answered. */
function late(timeout: number, unanswered: string | undefined): CallFailure {
    const silent = unanswered === undefined ? '' : `: the server has not answered ${unanswered}`;
    const older = unanswered?.includes(PROBE) ? ', or name its revision where it speaks an older one' : '';
    const remedy = unanswered === undefined ? '' : `; allow it more time${older}`;
    return failure('timeout', `not connected within ${timeout} ms${silent}${remedy}`);
}

/** The name of the tool that is called. */
function toolOf({ name }: Params): string {
    if (typeof name !== 'string') throw failure('invalid-argument', 'params have no name of a tool');
    return name;
}
