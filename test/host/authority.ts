import type { Challenge } from 'caisson:mcp/authorization@0.1.0';

import type { ExchangeEnd, World } from './host.js';
import type { Message, Peer } from './peer.js';
import type { HttpOptions } from './servers.js';
import { onHttp, reply, replyJson } from './servers.js';

const ISSUER = 'https://as.test';

/** A server that wants authorization, its authorization server, and a host that has nothing yet. */
export class Authority {
    /** The scopes of the token that the host has; undefined for none. */
    held: string | undefined;
    /** Whether there is a refresh token. */
    refreshes = true;
    /** Whether there is a client; otherwise it registers. */
    knows = true;
    /** The answer of the device authorization endpoint; undefined where there is none. */
    device: object | undefined;
    /** Whether the server takes what the host has. */
    takes = true;
    /** What the server says that it wants with each refusal of a call of this tool. */
    readonly demands = new Map<string, string>();
    readonly asked: URL[] = [];
    readonly forms: URLSearchParams[] = [];
    /** Answers in the place of the token endpoint, and reports whether it has. */
    token: (end: ExchangeEnd) => boolean = () => false;
    /** What the host says at the beginning of a turn, in place of what it knows. */
    begin: ((challenge: Challenge) => object | undefined) | undefined;
    /** What becomes of a person who is asked, in place of a code. */
    ask: (() => object | undefined) | undefined;

    constructor(
        private readonly peer: Peer,
        private readonly options: HttpOptions = {}
    ) {}

    get world(): World {
        const server = onHttp(this.peer, this.options);
        return {
            http: end => {
                const { method, params } = JSON.parse(end.request.body ?? '{}') as Message;
                if (this.held === undefined || !this.takes) return refuse(end, 401, '');
                const demand = method === 'tools/call' ? this.demands.get(String(params?.['name'])) : undefined;
                if (demand !== undefined && !demand.split(' ').every(scope => this.held?.split(' ').includes(scope)))
                    return refuse(end, 403, `, error="insufficient_scope", scope="${demand}"`);
                server.http?.(end);
            },
            authorizing: {
                begin: challenge => (this.begin ? this.begin(challenge) : this.#known()),
                ask: url => {
                    this.asked.push(url);
                    return this.ask ? this.ask() : { code: 'secret:code' };
                },
                request: end => this.#request(end)
            }
        };
    }

    #known(): object {
        return {
            grant: 'authorization_code',
            redirectUrl: 'http://127.0.0.1:3334/oauth/callback',
            clientMetadata: { redirect_uris: ['http://127.0.0.1:3334/oauth/callback'] },
            ...(this.device && { device: true }),
            ...(this.knows && { client: { client_id: 'mine', issuer: ISSUER } }),
            ...(this.held !== undefined && {
                tokens: {
                    access_token: 'secret:access_token',
                    token_type: 'Bearer',
                    issuer: ISSUER,
                    scope: this.held,
                    ...(this.refreshes && { refresh_token: 'secret:refresh_token' })
                }
            })
        };
    }

    #request(end: ExchangeEnd): void {
        const { url, method, body } = end.request;
        const json = (value: object) => replyJson(end, JSON.stringify(value));
        const { pathname } = new URL(url);
        if (pathname === '/.well-known/oauth-protected-resource/mcp')
            return json({ resource: 'http://server.test/mcp', authorization_servers: [ISSUER] });
        if (pathname === '/.well-known/oauth-authorization-server')
            return json({
                issuer: ISSUER,
                authorization_endpoint: `${ISSUER}/authorize`,
                token_endpoint: `${ISSUER}/token`,
                registration_endpoint: `${ISSUER}/register`,
                ...(this.device && { device_authorization_endpoint: `${ISSUER}/device` }),
                response_types_supported: ['code'],
                code_challenge_methods_supported: ['S256']
            });
        if (pathname === '/device' && this.device) return json(this.device);
        if (method !== 'POST' || pathname !== '/token') return reply(end, 404);
        const form = new URLSearchParams(body);
        this.forms.push(form);
        if (this.token(end)) return;
        if (form.get('grant_type') === 'authorization_code')
            this.held = this.asked.at(-1)?.searchParams.get('scope') ?? '';
        json({
            access_token: 'secret:access_token',
            token_type: 'Bearer',
            refresh_token: 'secret:refresh_token',
            ...(this.held && { scope: this.held })
        });
    }
}

function refuse(end: ExchangeEnd, status: number, params: string): void {
    end.head(status, { 'content-type': 'text/plain', 'www-authenticate': `Bearer realm="test"${params}` });
    end.end();
}
