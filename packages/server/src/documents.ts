// What scripts make from the routes. It is an entry of its own, so that a server that starts loads nothing of it.
export { exportOpenApiDocument, renderAccessTable } from "./api/documents/exported.ts";
