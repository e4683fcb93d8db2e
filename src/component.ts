// The exports of the world `core` (wit/world.wit). This file only adapts: an export that throws
// would take the whole instance with it, so none does.
import './polyfills.js';
import './schemas.js';

import type * as Client from 'caisson:mcp/client@0.1.0';
import type * as Ingress from 'caisson:mcp/ingress@0.1.0';

import { onAnswer } from './asks.js';
import { cancel } from './calls.js';
import { onBody, onEnd, onHead } from './fetch.js';
import { onClosed, onData } from './pipe.js';
import { seal } from './schemas.js';
import * as sessions from './sessions.js';
import { fire } from './timers.js';
import { sweep, warmUp } from './warmup.js';

await warmUp();
seal();
sweep();

/** wit/client.wit */
export const client: typeof Client = { ...sessions, cancel: safely(cancel) };

/** wit/ingress.wit */
export const ingress: typeof Ingress = {
    deliver(events) {
        for (const event of events) safely(dispatch)(event);
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
        case 'pipe-data':
            return onData(event.val);
        case 'pipe-closed':
            return onClosed(event.val);
        case 'timer':
            return fire(event.val);
        case 'answer':
            return onAnswer(event.val);
    }
}

/** What a listener throws at us is not what the host did wrong, and the next event still counts. */
function safely<A extends unknown[]>(call: (...args: A) => void): (...args: A) => void {
    return (...args) => {
        try {
            call(...args);
        } catch (error) {
            console.error(error);
        }
    };
}
