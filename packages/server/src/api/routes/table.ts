// All routes, in the order in which the documents show them.
import { openApiDocument, type OpenApiDocument } from "../openapi.ts";
import type { Route } from "../route.ts";
import { deliveryRoutes } from "./deliveries.ts";
import { docsRoutes } from "./docs.ts";
import { eventRoutes } from "./events.ts";
import { keyRoutes } from "./keys.ts";
import { operatorRoutes } from "./operators.ts";
import { projectRoutes } from "./projects.ts";
import { webhookRoutes } from "./webhooks.ts";
import { workspaceRoutes } from "./workspace.ts";

/** Every route of the API. Each call gives a list of its own, since `/docs` keeps what it has rendered. */
export function apiRoutes(): readonly Route[] {
	const routes: Route[] = [
		...workspaceRoutes,
		...projectRoutes,
		...keyRoutes,
		...webhookRoutes,
		...eventRoutes,
		...deliveryRoutes,
		...operatorRoutes,
	];
	routes.push(...docsRoutes(routes));
	return routes;
}

/** The OpenAPI 3.1 document of the whole API; the same for the same version, byte for byte. */
export function exportOpenApiDocument(version: string): OpenApiDocument {
	return openApiDocument(apiRoutes(), version);
}
