import type { ListToolsResult, Tool } from '@modelcontextprotocol/client';
import { ProtocolError } from '@modelcontextprotocol/client';
import type { Json } from 'caisson:mcp/types@0.1.0';

import type { ObservedClient } from '../connection/client.js';
import { optionsFor } from '../connection/client.js';
import type { Connection } from '../connection/connection.js';
import type { Call } from '../operations/calls.js';
import { failure } from '../operations/errors.js';
import { exact } from '../protocol/json.js';
import type { Answer, Params } from '../protocol/requests.js';
import { ANY_RESULT, isCallersMeta } from '../protocol/requests.js';
import { Created, created, createdIn } from '../tasks/task.js';
import type { Tasks } from '../tasks/tasks.js';
import type { Sender } from './sender.js';
import type { Tools } from './tools.js';
import { mayMirror, without } from './tools.js';

/** The error of a server that has refused a `tools/call` for its headers, before any effect (2026-07-28). */
const HEADER_MISMATCH = -32020;

/** How many pages of tools are searched for one tool. */
const MOST_PAGES = 100;

/** Lists the tools of a session's server, and calls them. */
export class ToolCalls {
    constructor(
        private readonly sender: Sender,
        private readonly tools: Tools,
        private readonly tasks: Tasks
    ) {}

    /** Lists a page of the tools. `sent` is the connection on which the request was sent already. */
    async list(call: Call, params: Params, sent?: Connection): Promise<Answer> {
        const answer = await this.sender.send(call, 'tools/list', params, sent);
        const { value, result, client } = answer;
        return { ...answer, result: this.learn(call, client, value as ListToolsResult, result) };
    }

    /** Keeps a page of tools. Returns its text, without the tools that the SDK would remove. */
    learn(call: Call, client: ObservedClient, page: ListToolsResult, text: Json): Json {
        const mirroring = client.getProtocolEra() === 'modern' && mayMirror(text);
        const dropped = mirroring ? client.dropUnusable(page) : undefined;
        const kept = dropped?.size ? without(text, dropped) : text;
        this.tools.learn(page, kept, mirroring);
        return call.raw ? text : kept;
    }

    /**
     * Calls a tool on the fast path, when the SDK would do nothing special with the call. Returns whether it
     * did.
     */
    callFast(connection: Connection | undefined, call: Call, params: Params, text: Json): boolean {
        const { name, _meta, task } = params;
        if (!connection?.fastPath || typeof name !== 'string' || task !== undefined || !isCallersMeta(_meta))
            return false;
        const { client, fastPath } = connection;
        const listed = this.tools.listed(name);
        // A tool that was not listed may need headers. The server then refuses the call, and the SDK takes
        // over.
        if ((fastPath.modern && listed?.mirrored) || !this.tasks.mayCall(listed?.tool, this.tools.isHidden(name)))
            return false;
        const check = listed && this.tools.check(name, listed);
        const hasLogLevel = this.sender.logLevel !== undefined;
        fastPath.send(call, {
            method: 'tools/call',
            params: hasLogLevel ? this.sender.withLogLevel(client, exact(params, text)) : params,
            text: hasLogLevel ? undefined : text,
            finish(result, text) {
                try {
                    check?.(result);
                    call.resolve(text);
                } catch (error) {
                    call.reject(error);
                }
            },
            handedOver: outcome => {
                call.handedOver = outcome;
                call.follow(this.call(call, exact(params, text), connection));
            }
        });
        return true;
    }

    /** Calls a tool. `sent` is the connection on which the request was sent already. */
    async call(call: Call, params: Params, sent?: Connection): Promise<Json> {
        const name = toolOf(params);
        const check = this.tools.check(name);
        let answer = await this.#answer(call, params, 'task' in params, sent);
        if (answer.value instanceof Created) answer = await this.tasks.drive(call, answer.value.state, answer.result);
        // Meanwhile the tool may have been listed, or the list may have changed.
        (this.tools.check(name) ?? check)?.(answer.value);
        return answer.result;
    }

    /**
     * Calls a tool as a task, without waiting for the task. Returns the task, or the result if there is no
     * task.
     */
    async start(call: Call, params: Params): Promise<Json> {
        return (await this.#answer(call, params, true)).result;
    }

    /** The server's answer to a tool's call, which may be a task. */
    async #answer(call: Call, params: Params, asTask: boolean, sent?: Connection): Promise<Answer> {
        const name = toolOf(params);
        const find = () => this.#tool(call, name);
        const listed = this.tools.get(name);
        const asked =
            asTask || this.tasks.kind === 'experimental' ? await this.tasks.asked(params, asTask, find) : params;
        try {
            return await this.#callListed(call, name, asked, sent);
        } catch (error) {
            const task = createdIn(error, call);
            if (task) return task;
            // The tool's parameters have changed since it was listed. Without the old definition the SDK
            // lists
            // the tools anew by itself.
            if (!(error instanceof ProtocolError && error.code === HEADER_MISMATCH) || !listed) throw error;
            this.tools.forget();
            return this.#answer(call, params, asTask);
        }
    }

    /** The tool of a name. Lists the server's tools until the tool is found. */
    async #tool(call: Call, name: string): Promise<Tool | undefined> {
        if (this.tools.isHidden(name)) return undefined;
        for (let page = 0, cursor: unknown; page < MOST_PAGES && !this.tools.get(name); page++) {
            const { value } = await this.list(call, cursor === undefined ? {} : { cursor });
            cursor = (value as ListToolsResult).nextCursor;
            if (cursor === undefined || cursor === '') {
                if (!this.tools.get(name)) this.tools.hide(name);
                break;
            }
        }
        return this.tools.get(name);
    }

    #callListed(call: Call, name: string, params: Params, sent?: Connection): Promise<Answer> {
        const send = async (connection: Connection) => {
            const { client } = connection;
            const paramsWithLevel = this.sender.withLogLevel(client, params) as { name: string };
            if ('task' in paramsWithLevel && connection.legacy)
                return created(
                    await client.request(
                        { method: 'tools/call', params: paramsWithLevel },
                        ANY_RESULT,
                        optionsFor(call)
                    )
                );
            const tool = this.tools.get(name);
            // This class checks results: the SDK's own check would compile the schema for each call.
            const toolDefinition = tool && { name, inputSchema: tool.inputSchema };
            const options = { ...optionsFor(call), ...(toolDefinition && { toolDefinition }) };
            return this.sender.read(call, connection, 'tools/call', () => client.callTool(paramsWithLevel, options));
        };
        return this.sender.over(call, this.tools.repeatable(name), send, sent);
    }
}

/** The name in the params of a call. */
function toolOf({ name }: Params): string {
    if (typeof name !== 'string') throw failure('invalid-argument', 'params have no name of a tool');
    return name;
}
