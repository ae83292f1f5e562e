// Ids in the examples of relays.
const UUID = "01936a2e-5c3b-7c10-8000-3b2f5d1e9a77";
export const RELAY_ID_EXAMPLE = `relay_${UUID}`;
export const WEBHOOK_ID_EXAMPLE = `webhook_${UUID}`;
export const DELIVERY_ID_EXAMPLE = `dlv_${UUID}`;
export const EVENT_ID_EXAMPLE = `evt_${UUID}`;
