/// <reference path="./interfaces/caisson-mcp-authorization.d.ts" />
/// <reference path="./interfaces/caisson-mcp-catalog.d.ts" />
/// <reference path="./interfaces/caisson-mcp-client.d.ts" />
/// <reference path="./interfaces/caisson-mcp-egress.d.ts" />
/// <reference path="./interfaces/caisson-mcp-host.d.ts" />
/// <reference path="./interfaces/caisson-mcp-ingress.d.ts" />
/// <reference path="./interfaces/caisson-mcp-script-host.d.ts" />
/// <reference path="./interfaces/caisson-mcp-scripts.d.ts" />
/// <reference path="./interfaces/caisson-mcp-timers.d.ts" />
/// <reference path="./interfaces/caisson-mcp-types.d.ts" />
declare module 'caisson:mcp/core@0.1.0' {
  export type * as CaissonMcpAuthorization010 from 'caisson:mcp/authorization@0.1.0'; // import caisson:mcp/authorization@0.1.0
  export type * as CaissonMcpEgress010 from 'caisson:mcp/egress@0.1.0'; // import caisson:mcp/egress@0.1.0
  export type * as CaissonMcpHost010 from 'caisson:mcp/host@0.1.0'; // import caisson:mcp/host@0.1.0
  export type * as CaissonMcpScriptHost010 from 'caisson:mcp/script-host@0.1.0'; // import caisson:mcp/script-host@0.1.0
  export type * as CaissonMcpTimers010 from 'caisson:mcp/timers@0.1.0'; // import caisson:mcp/timers@0.1.0
  export type * as CaissonMcpTypes010 from 'caisson:mcp/types@0.1.0'; // import caisson:mcp/types@0.1.0
  export * as client from 'caisson:mcp/client@0.1.0'; // export caisson:mcp/client@0.1.0
  export * as ingress from 'caisson:mcp/ingress@0.1.0'; // export caisson:mcp/ingress@0.1.0
  export * as scripts from 'caisson:mcp/scripts@0.1.0'; // export caisson:mcp/scripts@0.1.0
  export * as catalog from 'caisson:mcp/catalog@0.1.0'; // export caisson:mcp/catalog@0.1.0
}
