import { ANY_RESULT } from '../protocol/requests.js';
import type { Extension } from './extension.js';

const asking = { result: ANY_RESULT, repeatable: true };
const acting = { result: ANY_RESULT, repeatable: false };

/**
 * Tasks (SEP-2663): a server may answer a tool's call with a task when the client has declared the
 * extension. Revision 2025-11-25 has tasks without an extension; some of their methods are the same.
 */
export const TASKS: Extension = {
    id: 'io.modelcontextprotocol/tasks',
    settings: { value: {}, legacy: false },
    methods: {
        'tasks/get': asking,
        'tasks/result': asking,
        'tasks/list': asking,
        'tasks/update': acting,
        'tasks/cancel': acting
    }
};
