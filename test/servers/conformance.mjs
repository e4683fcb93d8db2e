// What the official conformance suite's scenarios for servers ask for, in each revision. The servers of the SDKs for the
// suite are not published; names and values are the suite's.
import { setTimeout as pause } from 'node:timers/promises';

/** A red pixel, and a sound without samples. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC';
const WAV = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=';

export const STEP_MS = 50;

export const text = value => ({ type: 'text', text: value });
export const image = { type: 'image', data: PNG, mimeType: 'image/png' };
const embedded = (uri, mimeType, value) => ({ type: 'resource', resource: { uri, mimeType, text: value } });
export const object = (properties = {}, required = []) => ({ type: 'object', properties, required });

/** A schema with keywords that a gateway must not lose. */
const CONTACT = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    $defs: {
        address: {
            $anchor: 'addressDef',
            type: 'object',
            properties: { street: { type: 'string' }, city: { type: 'string' } }
        }
    },
    properties: {
        name: { type: 'string' },
        address: { $ref: '#/$defs/address' },
        contactMethod: { type: 'string', enum: ['phone', 'email'] },
        phone: { type: 'string' },
        email: { type: 'string' }
    },
    allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
    if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
    then: { required: ['phone'] },
    else: { required: ['email'] },
    additionalProperties: false
};

/** The tools of all revisions, and the content that each answers with. */
export const TOOLS = {
    test_simple_text: { call: () => [text('This is a simple text response for testing.')] },
    test_image_content: { call: () => [image] },
    test_audio_content: { call: () => [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }] },
    test_embedded_resource: {
        call: () => [embedded('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')]
    },
    test_multiple_content_types: {
        call: () => [
            text('Multiple content types test:'),
            image,
            embedded('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}')
        ]
    },
    test_tool_with_logging: {
        async call(_, { log }) {
            const steps = ['Tool execution started', 'Tool processing data', 'Tool execution completed'];
            for (const [i, data] of steps.entries()) {
                if (i > 0) await pause(STEP_MS);
                await log(data);
            }
            return [text('The tool has logged three times.')];
        }
    },
    json_schema_2020_12_tool: { inputSchema: CONTACT, call: () => [text('It is one.')] },
    test_error_handling: {
        call() {
            throw new Error('This tool intentionally returns an error for testing');
        }
    },
    test_tool_with_progress: {
        async call(_, { progress }) {
            for (const done of [0, 50, 100]) {
                if (done > 0) await pause(STEP_MS);
                await progress({ progress: done, total: 100 });
            }
            return [text('The tool has done its steps.')];
        }
    }
};

export const RESOURCES = {
    'test://static-text': { mimeType: 'text/plain', text: 'This is the content of the static text resource.' },
    'test://static-binary': { mimeType: 'image/png', blob: PNG },
    'test://watched-resource': { mimeType: 'text/plain', text: 'This resource may be watched.' }
};

const TEMPLATE = /^test:\/\/template\/([^/]+)\/data$/;

/** The contents of a resource; undefined where there is none. */
export function read(uri) {
    const id = TEMPLATE.exec(uri)?.[1];
    const data = id !== undefined && { id, templateTest: true, data: `Data for ID: ${id}` };
    const content = data ? { mimeType: 'application/json', text: JSON.stringify(data) } : RESOURCES[uri];
    return content && { contents: [{ uri, ...content }] };
}

const ARGUMENTS = [
    { name: 'arg1', description: 'First test argument', required: true },
    { name: 'arg2', description: 'Second test argument', required: true }
];

/** The prompts: their arguments, and the contents of their messages. */
export const PROMPTS = {
    test_simple_prompt: [[], () => [text('This is a simple prompt for testing.')]],
    test_prompt_with_arguments: [
        ARGUMENTS,
        ({ arg1, arg2 }) => [text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)]
    ],
    test_prompt_with_embedded_resource: [
        [{ name: 'resourceUri', description: 'What is embedded', required: true }],
        ({ resourceUri }) => [
            embedded(resourceUri, 'text/plain', 'Embedded resource content for testing.'),
            text('Please process the embedded resource above.')
        ]
    ],
    test_prompt_with_image: [[], () => [image, text('Please analyze the image above.')]]
};

/** What a server lists. */
export const LISTS = {
    tools: tools =>
        Object.entries(tools).map(([name, { inputSchema = object() }]) => ({
            name,
            description: `What ${name} is for`,
            inputSchema
        })),
    resources: Object.entries(RESOURCES).map(([uri, { mimeType }]) => ({ uri, name: uri, description: uri, mimeType })),
    resourceTemplates: [
        {
            uriTemplate: 'test://template/{id}/data',
            name: 'template',
            description: 'Data',
            mimeType: 'application/json'
        }
    ],
    prompts: prompts =>
        Object.entries(prompts).map(([name, [args]]) => ({ name, description: `What ${name} is for`, arguments: args }))
};

export const COMPLETION = { completion: { values: ['paris', 'park', 'party'], total: 3, hasMore: false } };

/** Messages of a prompt. */
export const messages = contents => ({ messages: contents.map(content => ({ role: 'user', content })) });
