// Names and metadata of customers.
import type { Customer } from "../../../core/access/customer.ts";
import { id, json, number, orNull, record, text } from "./columns.ts";

/** A row of `customers`. */
export const CUSTOMER = record<Customer>({
	projectId: id("project_id", "proj"),
	customerId: text("customer_id"),
	name: orNull(text("name")),
	metadata: json("metadata"),
	createDate: number("create_date"),
	updateDate: number("update_date"),
});
