// Releases of webhooks on the wire.
import { z } from "@hono/zod-openapi";

export const webhooksReleasedSchema = z
	.object({
		object: z.literal("webhooksReleased"),
		released: z.int().openapi({ description: "Webhooks that were resumed." }),
		complete: z.boolean().openapi({ description: "False if there are more: call again." }),
	})
	.openapi("WebhooksReleased", { example: { object: "webhooksReleased", released: 12, complete: true } });
