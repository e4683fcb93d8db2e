import {
    RESOURCES_DIRECTORY_READ_METHOD,
    SKILLS_EXTENSION_ID,
    SKILLS_GET_METHOD,
    SKILLS_LIST_METHOD
} from '@modelcontextprotocol/client/ext/skills';

import { ANY_RESULT } from '../protocol/requests.js';
import type { Extension } from './extension.js';

const asking = { result: ANY_RESULT, repeatable: true };

/** Skills (SEP-2640). Only servers declare them. The SDK's client of skills checks lists and entries. */
export const SKILLS: Extension = {
    id: SKILLS_EXTENSION_ID,
    methods: {
        [SKILLS_LIST_METHOD]: asking,
        [SKILLS_GET_METHOD]: asking,
        [RESOURCES_DIRECTORY_READ_METHOD]: asking
    }
};
