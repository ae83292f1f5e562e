// All routes, in the order in which the documents show them.
import { openApiDocument, type OpenApiDocument } from "../openapi.ts";
import type { Route } from "../route.ts";
import { auditRoutes } from "./audit.ts";
import { deliveryRoutes } from "./deliveries.ts";
import { docsRoutes } from "./docs.ts";
import { eventDataRoutes } from "./event-data.ts";
import { eventTypeRoutes } from "./event-types.ts";
import { eventRoutes } from "./events.ts";
import { keyRoutes } from "./keys.ts";
import { operatorRoutes } from "./operators.ts";
import { projectRoutes } from "./projects.ts";
import { replayRoutes } from "./replays.ts";
import { statsRoutes } from "./stats.ts";
import { streamRoutes } from "./stream.ts";
import { webhookRoutes } from "./webhooks.ts";
import { workspaceRoutes } from "./workspace.ts";

/** Every route of the API. Each call gives a list of its own, since `/docs` keeps what it has rendered. */
export function apiRoutes(): readonly Route[] {
	const routes: Route[] = [
		...workspaceRoutes,
		...projectRoutes,
		...keyRoutes,
		...webhookRoutes,
		...eventTypeRoutes,
		...eventRoutes,
		...eventDataRoutes,
		...deliveryRoutes,
		...replayRoutes,
		...statsRoutes,
		...streamRoutes,
		...auditRoutes,
		...operatorRoutes,
	];
	routes.push(...docsRoutes(routes));
	return routes;
}

/** The OpenAPI 3.1 document of the whole API; the same for the same version, byte for byte. */
export function exportOpenApiDocument(version: string): OpenApiDocument {
	return openApiDocument(apiRoutes(), version);
}
