// The exports of the world `core` (wit/world.wit). This file puts the core together, plugs in the parts
// that a build can leave out, and otherwise only adapts. No export throws: that would trap the instance.
import './platform/polyfills.js';
import './fast-path/validators/schemas.js';

import type * as Catalog from 'caisson:mcp/catalog@0.1.0';
import type * as Client from 'caisson:mcp/client@0.1.0';
import type * as Ingress from 'caisson:mcp/ingress@0.1.0';
import type * as Scripts from 'caisson:mcp/scripts@0.1.0';

import { onAuthorized } from './authorization/turn.js';
import { Connection } from './connection/connection.js';
import { declare } from './declarations/declarations.js';
import { fastPathOf } from './fast-path/connection-fast-path.js';
import { seal } from './fast-path/validators/schemas.js';
import { sweep, warmUp, warmUpScripts } from './fast-path/warmup.js';
import { onAnswer } from './operations/asks.js';
import { cancel } from './operations/calls.js';
import { fire } from './platform/timers.js';
import { fixBoundary } from './scripts/globals.js';
import { host } from './scripts/host.js';
import { Runner } from './scripts/runner.js';
import { search } from './search/search.js';
import * as sessions from './session/sessions.js';
import { onBody, onEnd, onHead, onResponse } from './transport/exchange.js';
import { onClosed, onData } from './transport/pipe.js';

if (!WITHOUT.fastPath) Connection.fastPathOf = fastPathOf;
if (!WITHOUT.warmup) {
    await warmUp();
    await warmUpScripts();
}
seal();
fixBoundary();
if (!WITHOUT.sweep) sweep();

/** wit/client.wit */
export const client: typeof Client = {
    ...sessions,
    cancel(call, reason) {
        try {
            cancel(call, reason);
        } catch (error) {
            passOver(error);
        }
    }
};

const runner = new Runner(host);

/** wit/scripts.wit */
export const scripts: typeof Scripts = {
    run: (call, source, tools, input, args) => runner.run(call, source, tools, input, args),
    load: (call, source, tools) => runner.load(call, source, tools),
    call: (call, name, positional, named) => runner.call(call, name, positional, named),
    deliver: events => runner.deliver(events)
};

/** wit/catalog.wit */
export const catalog: typeof Catalog = {
    declare: (tools, language) => declare(listed(tools), language),
    search: (tools, text, limit, language, detail) =>
        JSON.stringify(search(listed(tools), text, { limit, language, detail }))
};

/** Parses a list of tools. What is thrown here is the error of the result. */
function listed(tools: string): unknown {
    try {
        return JSON.parse(tools);
    } catch {
        // eslint-disable-next-line @typescript-eslint/only-throw-error
        throw 'the tools are not JSON, or nested too deeply';
    }
}

/** wit/ingress.wit */
export const ingress: typeof Ingress = {
    deliver(events) {
        // Not `for of`: in this engine an iterator costs more than the handling of many an event.
        for (let i = 0; i < events.length; i++) {
            try {
                dispatch(events[i] as Ingress.Event);
            } catch (error) {
                passOver(error);
            }
        }
    }
};

function dispatch(event: Ingress.Event): void {
    switch (event.tag) {
        case 'http-head':
            return onHead(event.val);
        case 'http-body':
            return onBody(event.val);
        case 'http-end':
            return onEnd(event.val);
        case 'http-response':
            return onResponse(event.val);
        case 'pipe-data':
            return onData(event.val);
        case 'pipe-closed':
            return onClosed(event.val);
        case 'timer':
            return fire(event.val);
        case 'answer':
            return onAnswer(event.val);
        case 'authorized':
            return onAuthorized(event.val);
    }
}

/** Logs what a listener has thrown. The host has done nothing wrong, and the next event still counts. */
function passOver(error: unknown): void {
    console.error(error);
}
