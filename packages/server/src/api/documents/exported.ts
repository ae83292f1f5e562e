// What scripts write from the route table: the OpenAPI document and docs/access.md.
import { apiRoutes } from "../resources/table.ts";
import { renderAccessDoc } from "./access-doc.ts";
import { openApiDocument, type OpenApiDocument } from "./openapi.ts";

/** The text of docs/access.md. */
export function renderAccessTable(): string {
	return renderAccessDoc(apiRoutes());
}

/** The OpenAPI 3.1 document of the whole API, without a server's address; the same for the same version, byte for byte. */
export function exportOpenApiDocument(version: string): OpenApiDocument {
	return openApiDocument(apiRoutes(), version, null);
}
