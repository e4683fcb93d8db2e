import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client';
import { SdkError, SdkErrorCode } from '@modelcontextprotocol/client';
import { pipeClose, pipeOpen, pipeWrite } from 'caisson:mcp/egress@0.1.0';
import type { PipeClosed, PipeData } from 'caisson:mcp/ingress@0.1.0';

import type { CallFailure } from '../operations/errors.js';
import { ioFailure } from '../operations/errors.js';
import { IdTable } from '../platform/id-table.js';
import type { FastRequest, FastTransport } from './fast-request.js';
import type { Observer } from './observer.js';

const pipes = new IdTable<PipeTransport>();

/** MCP's stdio transport, on a pipe of the host's. */
export class PipeTransport implements Transport, FastTransport {
    onclose?: () => void;
    onerror?: (error: Error) => void;
    onmessage?: (message: JSONRPCMessage) => void;

    /**
     * The SDK recognises a stdio transport by these two. There, silence or an end at the probe mean an older
     * server.
     */
    readonly pid = null;
    readonly stderr = null;

    /** Why the pipe closed by itself. */
    lost: CallFailure | undefined;
    #id: number | undefined;
    #gone: PromiseWithResolvers<void> | undefined;

    constructor(private readonly observer: Observer) {
        observer.deliver = message => this.onmessage?.(message);
    }

    async start(): Promise<void> {
        this.#gone = Promise.withResolvers();
        this.#id = pipes.add(this);
        pipeOpen(this.#id, this.observer.session);
    }

    async send(message: JSONRPCMessage): Promise<void> {
        if (this.#id === undefined) throw new SdkError(SdkErrorCode.NotConnected, 'the pipe is closed');
        const id = this.observer.sent(message);
        if (id !== undefined && id === this.observer.adopted) return;
        pipeWrite(this.#id, JSON.stringify(message));
    }

    post(_request: FastRequest, text: string): void {
        if (this.#id !== undefined) pipeWrite(this.#id, text);
    }

    /** Closes the pipe. The command may end later: see `gone`. */
    async close(): Promise<void> {
        if (this.#id === undefined) return;
        pipeClose(this.#id);
        this.#id = undefined;
        this.onclose?.();
    }

    /** Waits until the command has ended. */
    async gone(): Promise<void> {
        await this.#gone?.promise;
    }

    received(line: string): void {
        if (this.#id === undefined) return;
        const messages = this.observer.received(line);
        for (let i = 0; i < messages.length; i++) this.onmessage?.(messages[i] as JSONRPCMessage);
    }

    closed(cause: CallFailure | undefined): void {
        this.#gone?.resolve();
        if (this.#id === undefined) return;
        this.#id = undefined;
        this.lost = cause;
        this.onclose?.();
    }
}

/** Delivers a message to its pipe. */
export function onData({ pipe, message }: PipeData): void {
    pipes.get(pipe)?.received(message);
}

/** Delivers the end of a pipe. */
export function onClosed({ pipe, error }: PipeClosed): void {
    pipes.take(pipe)?.closed(error && ioFailure(error));
}
