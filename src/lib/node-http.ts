/**
 * What is used of node:http. Whoever imports that module evaluates all it exports, WebSocket too, for which Node loads the whole of undici: that
 * would be most of what a short command waits for.
 */
export const { Agent, createServer, request } = process.getBuiltinModule('node:http');
