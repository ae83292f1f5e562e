// The refusals of calls about projects and webhooks that do not exist, and about customers that soon will not.
import { FanfareError } from "../../core/errors.ts";

export function projectNotFound(): FanfareError {
	return new FanfareError(
		"project_not_found",
		"No such project. GET /workspace/projects lists the projects that this key can access.",
	);
}

export function webhookNotFound(): FanfareError {
	return new FanfareError(
		"webhook_not_found",
		"No such webhook in this project. List the project's webhooks to find its id.",
	);
}

/** The same for several ids in one call. `paths` are those of the unknown ones. */
export function webhooksNotFound(paths: readonly string[]): FanfareError {
	const { code, message } = webhookNotFound();
	return new FanfareError(code, message, { issues: paths.map((path) => ({ path, message: "names no such webhook" })) });
}

/** `path` is that of the field that names the customer; null if it is not in the body. */
export function customerBeingDeleted(customerId: string, path: string | null): FanfareError {
	return new FanfareError(
		"customer_being_deleted",
		`The customer ${customerId} is being deleted. When GET …/customers/${customerId} answers 404, that is over, and the id may be used again.`,
		path === null ? {} : { issues: [{ path, message: "is being deleted" }] },
	);
}
