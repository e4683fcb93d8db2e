import type { ListToolsResult } from '@modelcontextprotocol/client';
import type { SessionConfig } from 'caisson:mcp/client@0.1.0';
import { closed, log, renewed } from 'caisson:mcp/host@0.1.0';
import type { Json, SessionId } from 'caisson:mcp/types@0.1.0';

import { SessionAuthorizer } from '../authorization/authorizer.js';
import { optionsFor } from '../connection/client.js';
import type { Connection } from '../connection/connection.js';
import { Reconnector } from '../connection/reconnect.js';
import type { Call } from '../operations/calls.js';
import { rejectAll } from '../operations/calls.js';
import type { CallFailure } from '../operations/errors.js';
import { failure, toError } from '../operations/errors.js';
import { Countdown } from '../platform/timers.js';
import { exact, isEmpty } from '../protocol/json.js';
import type { Extension } from '../extensions/extension.js';
import { ownerOf } from '../extensions/extensions.js';
import { TASKS } from '../extensions/tasks.js';
import { PROBE } from '../protocol/probe.js';
import type { Answer, Params } from '../protocol/requests.js';
import { parse } from '../protocol/requests.js';
import { Skills } from '../skills/skills.js';
import { Tasks } from '../tasks/tasks.js';
import { Cache } from './cache.js';
import { listen } from './listen.js';
import { Sender } from './sender.js';
import { ToolCalls } from './tool-calls.js';
import { Tools } from './tools.js';

/** One server, from `connect` until the host closes the session. */
export class Session {
    readonly #authorizer: SessionAuthorizer | undefined;
    readonly #reconnector: Reconnector;
    readonly #sender: Sender;
    readonly #tools: Tools;
    readonly #cache = new Cache();
    readonly #tasks: Tasks;
    /** The senders of the extensions that do more with a request than to send it. */
    readonly #senders: ReadonlyMap<Extension, { request(...request: Parameters<Tasks['request']>): Promise<Answer> }>;
    readonly skills: Skills;
    readonly #calls: ToolCalls;
    #connecting: Call | undefined;
    #closing: Promise<void> | undefined;

    constructor(
        readonly id: SessionId,
        private readonly config: SessionConfig
    ) {
        this.#tools = new Tools(text => log(id, 'warn', text));
        const { authorizes, endpoint } = config;
        this.#authorizer = authorizes && endpoint.tag !== 'stdio' ? new SessionAuthorizer(id, endpoint.val) : undefined;
        this.#reconnector = new Reconnector(id, config, this.#authorizer);
        this.#sender = new Sender(this.#reconnector);
        this.#tasks = new Tasks(id, config.inputRounds, (...request) => this.#sender.send(...request));
        this.#senders = new Map([[TASKS, this.#tasks]]);
        this.skills = new Skills(id, {
            current: async () => this.#reconnector.current(),
            send: (call, method, given, schema) => this.#sender.send(call, method, given, undefined, schema),
            read: (call, given, fresh) => this.#read(call, given, fresh)
        });
        this.#calls = new ToolCalls(this.#sender, this.#tools, this.#tasks);
        this.#reconnector.onlost = cause => this.#onLost(cause);
    }

    /** Opens the connection. The session is over after an error. */
    async connect(call: Call): Promise<Json> {
        const { connectTimeout } = this.config;
        this.#connecting = call;
        const expire = () => call.abort(late(connectTimeout, this.#reconnector.unanswered));
        const countdown = new Countdown(expire, connectTimeout);
        if (this.#authorizer) this.#authorizer.onbusy = busy => (busy ? countdown.stop() : countdown.go());
        try {
            const connection = await this.#reconnector.open(call);
            if (call.settled) {
                await connection.close();
                call.check();
            }
            this.#attach(connection);
            this.#reconnector.onconnection = connection => this.#onRenewed(connection);
            return connection.describe();
        } catch (error) {
            this.#authorizer?.close();
            throw error;
        } finally {
            this.#connecting = undefined;
            countdown.stop();
            if (this.#authorizer) this.#authorizer.onbusy = () => {};
        }
    }

    /** Sends any request by its method name. Returns undefined when the operation settles by itself. */
    request(call: Call, method: string, text: Json): Promise<Json> | undefined {
        const params = parse(text);
        const fast =
            method === 'tools/call'
                ? this.#calls.callFast(this.#reconnector.live, call, params, text)
                : this.#askFast(call, method, params, text);
        return fast ? undefined : this.#request(call, method, exact(params, text));
    }

    async #request(call: Call, method: string, params: Params): Promise<Json> {
        switch (method) {
            case 'initialize':
                throw failure('invalid-argument', 'initialize belongs to connect');
            case 'ping':
                return this.#ping(call);
            case 'tools/call':
                return this.#calls.call(call, params);
            case 'logging/setLevel':
                return this.#setLevel(call, params);
            case 'subscriptions/listen':
                return listen(call, this.#reconnector, params);
        }
        const extension = ownerOf(method);
        const sender = extension && this.#senders.get(extension);
        if (sender) return (await sender.request(call, method, params)).result;
        const key = this.#key(call, method, params);
        return (key === undefined ? undefined : this.#cache.get(key)) ?? this.#ask(call, method, params, key);
    }

    /**
     * Calls a tool as a task, without waiting for the task. Returns the task, or the result if there is no
     * task.
     */
    startTask(call: Call, text: Json): Promise<Json> {
        return this.#calls.start(call, exact(parse(text), text));
    }

    /** Waits for the end of a task. */
    async waitTask(call: Call, text: Json): Promise<Json> {
        return (await this.#tasks.wait(call, parse(text))).result;
    }

    /** A notification to the server. */
    async notify(method: string, text: Json): Promise<Json> {
        const params = exact(parse(text), text);
        const { client } = await this.#reconnector.current();
        await client.notification({ method, params });
        return '{}';
    }

    /** Ends the session, once. Never fails. */
    close(call: Call): Promise<void> {
        return (this.#closing ??= this.#end(call));
    }

    async #end(closing: Call): Promise<void> {
        const over = failure('closed', 'the session is closed');
        this.#authorizer?.close();
        this.#connecting?.abort(over);
        rejectAll(this.id, over, closing);
        await this.#tasks.cancellationsDone();
        await this.#reconnector.close(over);
    }

    /** Pings the server. The newest revision has no ping, so there it sends `server/discover`. */
    async #ping(call: Call): Promise<Json> {
        const sent = await this.#sender.over(call, true, ({ client }) =>
            client.getProtocolEra() === 'legacy'
                ? client.ping(optionsFor(call))
                : client.request({ method: 'server/discover' }, optionsFor(call))
        );
        return sent.result && '{}';
    }

    /**
     * The key of a result in the cache; undefined for one that is not kept. Older revisions have no time to
     * live.
     */
    #key(call: Call, method: string, params: Params): string | undefined {
        if (!this.config.cacheResults || this.#reconnector.live?.legacy === true) return undefined;
        return this.#cache.key(method, params, call.raw);
    }

    /**
     * Sends a request and keeps its result under a key. `sent` is the connection on which it was sent
     * already.
     */
    async #ask(call: Call, method: string, params: Params, key: string | undefined, sent?: Connection): Promise<Json> {
        const { value, result } =
            method === 'tools/list'
                ? await this.#calls.list(call, params, sent)
                : await this.#sender.send(call, method, params, sent);
        if (key !== undefined && !call.asked) this.#cache.put(key, method, params, value, result);
        return result;
    }

    /** Reads a resource: from the cache, unless `fresh` is set. */
    async #read(call: Call, given: Params, fresh: boolean): Promise<{ result: unknown; cached: boolean }> {
        const key = this.#key(call, 'resources/read', given);
        const kept = fresh || key === undefined ? undefined : this.#cache.get(key);
        const text = kept ?? (await this.#ask(call, 'resources/read', given, key));
        return { result: JSON.parse(text) as unknown, cached: kept !== undefined };
    }

    /**
     * Sends a request on the fast path, when the SDK would do nothing special with it. Returns whether it
     * did.
     */
    #askFast(call: Call, method: string, params: Params, text: Json): boolean {
        const connection = this.#reconnector.live;
        if (!connection?.fastPath?.takes(method, params)) return false;
        const { client, fastPath } = connection;
        const key = this.#key(call, method, params);
        const kept = key === undefined ? undefined : this.#cache.get(key);
        if (kept !== undefined) {
            call.resolve(kept);
            return true;
        }
        const hasLogLevel = this.#sender.logLevel !== undefined;
        fastPath.send(call, {
            method,
            params: hasLogLevel ? this.#sender.withLogLevel(client, exact(params, text)) : params,
            // In the text of an empty object there is no member to append the era's `_meta` to.
            text: hasLogLevel || isEmpty(params) ? undefined : text,
            finish: (value, text) => {
                try {
                    const result =
                        method === 'tools/list'
                            ? this.#calls.learn(call, client, value as ListToolsResult, text)
                            : text;
                    if (key !== undefined) this.#cache.put(key, method, params, value, result);
                    call.resolve(result);
                } catch (error) {
                    call.reject(error);
                }
            },
            handedOver: outcome => {
                call.handedOver = outcome;
                call.follow(this.#ask(call, method, exact(params, text), key, connection));
            }
        });
        return true;
    }

    async #setLevel(call: Call, params: Params): Promise<Json> {
        const { client } = await this.#reconnector.current();
        this.#sender.logLevel = params['level'];
        if (client.getProtocolEra() === 'modern') return '{}';
        return (await this.#sender.send(call, 'logging/setLevel', params)).result;
    }

    #attach(connection: Connection): void {
        this.#tasks.use(connection);
        connection.client.onlisted = page => this.#tools.learn(page, JSON.stringify(page), true);
        connection.observer.onnotification = (method, params) => {
            this.#cache.notified(method, params?.['uri']);
            if (method === 'notifications/tools/list_changed') this.#tools.forget();
            if (method.startsWith('notifications/tasks')) this.#tasks.notified(params);
        };
    }

    #onRenewed(connection: Connection): void {
        this.#cache.clear();
        this.#tools.forget();
        this.#attach(connection);
        renewed(this.id, connection.describe());
    }

    #onLost(cause: CallFailure): void {
        this.#authorizer?.close();
        rejectAll(this.id, cause);
        closed(this.id, toError(cause, 'session'));
    }
}

/** The failure when `connectTimeout` has passed, which names the request that has no answer. */
function late(timeout: number, unanswered: string | undefined): CallFailure {
    const silent = unanswered === undefined ? '' : `: the server has not answered ${unanswered}`;
    const older = unanswered?.includes(PROBE) ? ', or name its revision where it speaks an older one' : '';
    const remedy = unanswered === undefined ? '' : `; allow more time for connecting${older}`;
    return failure('timeout', `not connected within ${timeout} ms${silent}${remedy}`);
}
