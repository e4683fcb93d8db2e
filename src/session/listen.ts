import { listening } from 'caisson:mcp/host@0.1.0';
import type { Json } from 'caisson:mcp/types@0.1.0';

import { optionsFor } from '../connection/client.js';
import type { Reconnector } from '../connection/reconnect.js';
import type { Call } from '../operations/calls.js';
import { failure } from '../operations/errors.js';
import { sleep } from '../platform/timers.js';
import { isObject } from '../protocol/json.js';
import { Backoff } from '../protocol/backoff.js';
import type { Params } from '../protocol/requests.js';

/** The first and the longest delay before a dropped subscription is asked for again, and the attempts. */
const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 60_000;
const ATTEMPTS = 5;
/** A subscription that lasted this long has worked, even without a notification. */
const STEADY_MS = 10_000;

/** Runs `subscriptions/listen` until the subscription is over. Asks again for a stream that drops. */
export async function listen(call: Call, reconnector: Reconnector, params: Params): Promise<Json> {
    const { notifications } = params;
    if (!isObject(notifications)) throw failure('invalid-argument', 'params have no notifications to listen for');
    const backoff = new Backoff(FIRST_DELAY_MS, LONGEST_DELAY_MS);
    for (let attempt = 1; ; attempt++) {
        const connection = await reconnector.current();
        let subscription;
        try {
            subscription = await connection.client.listen(notifications, optionsFor(call));
        } catch (error) {
            if (attempt >= ATTEMPTS || call.settled) throw error;
            // The server's refusal is final. A lost connection is not, when another one replaces it.
            if (attempt === 1 && !(await reconnector.replacement(connection, error))) throw error;
        }
        if (subscription) {
            listening(call.id, JSON.stringify(subscription.honoredFilter));
            const since = Date.now();
            if ((await subscription.closed) === 'graceful') return '{}';
            attempt = 1;
            if (Date.now() - since >= STEADY_MS) backoff.reset();
        }
        call.check();
        await sleep(backoff.next());
        call.check();
    }
}
