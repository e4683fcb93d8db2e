// The host, as a script's runner sees it. The warm-up has another one: it can call no import.
import { callTool, log, settle } from 'caisson:mcp/script-host@0.1.0';
import type { ScriptFailure, ScriptLogLevel } from 'caisson:mcp/script-host@0.1.0';
import type { CallId, Json } from 'caisson:mcp/types@0.1.0';

export interface ScriptHost {
    callTool(call: number, server: string, tool: string, args: Json): void;
    log(level: ScriptLogLevel, text: string): void;
    settle(call: CallId, outcome: { tag: 'ok'; val: Json } | { tag: 'err'; val: ScriptFailure }): void;
}

export const host: ScriptHost = { callTool, log, settle };
