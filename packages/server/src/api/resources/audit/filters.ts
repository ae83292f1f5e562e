// The filters of the audit log.
import { z } from "@hono/zod-openapi";

import { AUDIT_ACTIONS } from "../../../core/access/audit.ts";
import { isProjectId } from "../../../core/ids.ts";
import { nearestWord } from "../../../core/words/nearest-word.ts";
import type { AuditFilter } from "../../../ports/store/audit.ts";
import { givenWord } from "../../request/body/given-word.ts";
import { oneOf } from "../../request/body/validate.ts";
import { idText, pageQuery, timeRangeQuery } from "../common/schemas.ts";
import { formatParameter } from "../exports/export-route.ts";

const OBJECT_ID_MAX_LENGTH = 256;
/** So many edits away from a known action, another one is taken for a typing error. */
const TYPING_ERRORS = 2;

/** What an action of another version may be, too. */
const ACTION = /^(?=.{3,64}$)[a-z_]+\.[a-z_]+$/;

/** An action. One that this version does not know is that of another version, which is in the log, unless it looks like a typing error. */
const actionText = z
	.string()
	.superRefine((action, context) => {
		if (AUDIT_ACTIONS.some((known) => known === action)) return;
		if (ACTION.test(action) && nearestWord(action, AUDIT_ACTIONS, TYPING_ERRORS) === null) return;
		const message = `must be ${oneOf(AUDIT_ACTIONS)}, got ${givenWord(action, AUDIT_ACTIONS)}`;
		context.addIssue({ code: "custom", message });
	})
	.openapi({ example: "webhook.update" });

/** The filters of lists and exports of a project. */
const projectFilterQuery = {
	keyId: idText("key").optional().openapi({ description: "Only changes that were made with this key." }),
	objectId: z
		.string()
		.max(OBJECT_ID_MAX_LENGTH)
		.optional()
		.openapi({ description: "Only changes of this object: a webhook, key, event, …" }),
	action: actionText.optional().openapi({
		description: `Only this action, such as \`webhook.update\`. The log may have others, of other versions. Those of this one: ${AUDIT_ACTIONS.map((action) => `\`${action}\``).join(", ")}.`,
	}),
	...timeRangeQuery,
};

/** The same for the workspace. */
const filterQuery = {
	...projectFilterQuery,
	projectId: z
		.string()
		.refine(isProjectId, "must be an id such as proj_ca5fe71e7592bbcf7705ea36e4f29ed4")
		.optional()
		.openapi({ description: "Only changes in this project. The project may be deleted by now." }),
};

export const projectAuditQuerySchema = z.strictObject({ ...pageQuery, ...projectFilterQuery });

export const projectAuditExportQuerySchema = z.strictObject({ ...projectFilterQuery, format: formatParameter });

export const auditQuerySchema = z.strictObject({ ...pageQuery, ...filterQuery });

export const auditExportQuerySchema = z.strictObject({ ...filterQuery, format: formatParameter });

/** The entries that a call asks for. `projectId` is null for those of all projects and of the workspace. */
export function auditFilter(
	query: Omit<z.infer<typeof projectAuditExportQuerySchema>, "format">,
	projectId: string | null,
): AuditFilter {
	const { keyId = null, objectId = null, action = null, after = null, before = null } = query;
	return { keyId, projectId, objectId, action, after, before };
}
