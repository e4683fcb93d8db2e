// A server on @modelcontextprotocol/server for the official conformance suite, of revision 2026-07-28.
//
//   node test/servers/conformance-v2.mjs http
import { randomBytes } from 'node:crypto';

import {
    MissingRequiredClientCapabilityError,
    ProtocolError,
    ResourceNotFoundError,
    Server,
    acceptedContent,
    createMcpHandler,
    createRequestStateCodec,
    hostHeaderValidationResponse,
    inputRequired,
    localhostAllowedHostnames,
    localhostAllowedOrigins,
    originValidationResponse
} from '@modelcontextprotocol/server';

import { COMPLETION, LISTS, PROMPTS, TOOLS as COMMON, messages, object, read, text } from './conformance.mjs';
import { EXTENSION, TASK_TOOLS, USER_NAME, asksFor, callTask, serveTasks } from './conformance-tasks.mjs';
import { listenWeb, run } from './listen.mjs';

const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';

const state = createRequestStateCodec({ key: randomBytes(32) });

const samples = (prompt, maxTokens) =>
    inputRequired.createMessage({ messages: [{ role: 'user', content: text(prompt) }], maxTokens });

const ROOTS = { client_roots: inputRequired.listRoots() };

/** A tool that asks once for all of these, and then answers. */
const asksOnce = (inputRequests, answered) => ({
    call: (_, { inputResponses = {} }) =>
        Object.keys(inputRequests).every(key => key in inputResponses)
            ? answered(inputResponses)
            : inputRequired({ inputRequests })
});

/** The same, with a state that has to come back. */
const asksWithState = (inputRequests, answered) => ({
    async call(_, { inputResponses = {}, requestState }) {
        if (requestState() !== undefined && Object.keys(inputRequests).every(key => key in inputResponses))
            return answered(inputResponses);
        return inputRequired({ inputRequests, requestState: await state.mint('asked') });
    }
});

const CONFIRM = { confirm: asksFor('Please confirm', 'ok', 'boolean') };

const TOOLS = {
    ...COMMON,
    ...Object.fromEntries(
        Object.entries(TASK_TOOLS).map(([name, { inputSchema }]) => [
            name,
            { inputSchema, call: (args, context) => callTask(name, args, context) }
        ])
    ),
    greet: { inputSchema: object({ name: { type: 'string' } }), call: ({ name }) => [text(`Hello, ${name}!`)] },
    test_input_required_result_elicitation: {
        call(_, { inputResponses }) {
            const name = acceptedContent(inputResponses, 'user_name')?.name;
            return typeof name === 'string' ? [text(`Hello, ${name}!`)] : inputRequired({ inputRequests: USER_NAME });
        }
    },
    test_input_required_result_sampling: asksOnce(
        { capital_question: samples('What is the capital of France?', 100) },
        ({ capital_question: { content } }) => [text(content?.text ?? JSON.stringify(content))]
    ),
    test_input_required_result_list_roots: asksOnce(ROOTS, ({ client_roots: { roots } }) => [
        text(`The roots are ${JSON.stringify(roots)}`)
    ]),
    test_input_required_result_request_state: asksWithState(CONFIRM, () => [text('state-ok')]),
    test_input_required_result_tampered_state: asksWithState(CONFIRM, () => [text('state-ok')]),
    test_input_required_result_multiple_inputs: asksWithState(
        { ...USER_NAME, greeting: samples('Generate a greeting', 50), ...ROOTS },
        responses => [text(`All are answered: ${Object.keys(responses).join(', ')}`)]
    ),
    test_input_required_result_multi_round: {
        async call(_, { inputResponses = {}, requestState }) {
            const asks = async (step, request) =>
                inputRequired({ inputRequests: { [step]: request }, requestState: await state.mint(step) });
            const asked = requestState();
            if (asked === 'step2' && inputResponses.step2) return [text('Both steps are done.')];
            if (asked !== undefined && inputResponses.step1)
                return asks('step2', asksFor('Step 2: What is your favorite color?', 'color'));
            return asks('step1', asksFor('Step 1: What is your name?', 'name'));
        }
    },
    test_input_required_result_capabilities: {
        call(_, { inputResponses, capabilities }) {
            const inputRequests = {
                ...(capabilities.elicitation && USER_NAME),
                ...(capabilities.sampling && { greeting: samples('Generate a greeting', 50) }),
                ...(capabilities.roots && ROOTS)
            };
            if (inputResponses || Object.keys(inputRequests).length === 0) return [text('There is nothing to ask.')];
            return inputRequired({ inputRequests });
        }
    },
    test_missing_capability: {
        call(_, { capabilities }) {
            if (!capabilities.sampling)
                throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { sampling: {} } });
            return [text('The client samples.')];
        }
    },
    test_streaming_elicitation: asksOnce(USER_NAME, () => [text('The client has answered.')]),
    test_logging_tool: COMMON.test_tool_with_logging,
    test_trigger_tool_change: {
        call(_, { changed }) {
            changed.toolsChanged();
            return [text('The tools have changed.')];
        }
    },
    test_trigger_prompt_change: {
        call(_, { changed }) {
            changed.promptsChanged();
            return [text('The prompts have changed.')];
        }
    },
    test_headers: {
        inputSchema: object({ region: { type: 'string', 'x-mcp-header': 'Region' } }),
        call: ({ region }) => [text(`The region is ${region}`)]
    }
};

/** The prompt that asks before it is made. */
const ASKING = 'test_input_required_result_prompt';
const CONTEXT = { user_context: asksFor('What context should the prompt use?', 'context') };

function createServer(changed) {
    const server = new Server(
        { name: 'conformance-v2', version: '1' },
        {
            capabilities: {
                tools: { listChanged: true },
                resources: { subscribe: true },
                prompts: { listChanged: true },
                completions: {},
                logging: {},
                extensions: { [EXTENSION]: {} }
            },
            requestState: { verify: state.verify }
        }
    );
    const on = (method, handler) => server.setRequestHandler(method, handler);
    on('tools/list', () => ({ tools: LISTS.tools(TOOLS) }));
    on('tools/call', async ({ params: { name, arguments: args = {} } }, { mcpReq }) => {
        const tool = TOOLS[name];
        if (!tool) throw new ProtocolError(-32602, `there is no tool ${name}`);
        try {
            const answer = await tool.call(args, context(mcpReq, changed));
            return Array.isArray(answer) ? { content: answer } : answer;
        } catch (error) {
            if (error instanceof ProtocolError) throw error;
            return { content: [text(error.message)], isError: true };
        }
    });
    on('resources/list', () => ({ resources: LISTS.resources }));
    on('resources/templates/list', () => ({ resourceTemplates: LISTS.resourceTemplates }));
    on('resources/read', ({ params: { uri } }) => {
        const found = read(uri);
        if (!found) throw new ResourceNotFoundError(uri);
        return found;
    });
    on('prompts/list', () => ({ prompts: LISTS.prompts({ ...PROMPTS, [ASKING]: [[]] }) }));
    on('prompts/get', ({ params: { name, arguments: args = {} } }, { mcpReq: { inputResponses } }) => {
        if (name === ASKING) {
            const given = acceptedContent(inputResponses, 'user_context')?.context;
            return given === undefined ? inputRequired({ inputRequests: CONTEXT }) : messages([text(`In ${given}`)]);
        }
        if (!(name in PROMPTS)) throw new ProtocolError(-32602, `there is no prompt ${name}`);
        return messages(PROMPTS[name][1](args));
    });
    on('completion/complete', () => COMPLETION);
    serveTasks(server, capabilitiesOf);
    return server;
}

/** What the client says in a request that it can do. */
const capabilitiesOf = ({ envelope }) => envelope?.[CAPABILITIES] ?? {};

/** What a tool may do while it runs, and what came back of what it asked for. */
function context(request, changed) {
    const { notify, log, inputResponses, requestState, _meta } = request;
    const progressToken = _meta?.progressToken;
    return {
        inputResponses,
        requestState,
        changed,
        capabilities: capabilitiesOf(request),
        log: data => log('info', data),
        progress: async step => {
            if (progressToken === undefined) return;
            await notify({ method: 'notifications/progress', params: { progressToken, ...step } });
        }
    };
}

function http() {
    const handler = createMcpHandler(() => createServer(handler.notify), {
        legacy: 'reject',
        onerror: error => console.error(error)
    });
    listenWeb(
        '/mcp',
        request =>
            hostHeaderValidationResponse(request, localhostAllowedHostnames()) ??
            originValidationResponse(request, localhostAllowedOrigins()) ??
            handler.fetch(request)
    );
}

await run({ http });
