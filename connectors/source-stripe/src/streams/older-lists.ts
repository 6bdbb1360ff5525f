/**
 * Paths of older API descriptions whose lists are another list, or a part of one, by the path that has replaced them. Not
 * read where the description has that one too.
 */
export const olderLists: Readonly<Record<string, string>> = {
  '/v1/accounts/{id}/people': '/v1/accounts/{id}/persons',
  '/v1/balance/history': '/v1/balance_transactions',
  '/v1/charges/{id}/refunds': '/v1/refunds',
  '/v1/customers/{id}/bank_accounts': '/v1/customers/{id}/sources',
  '/v1/customers/{id}/cards': '/v1/customers/{id}/sources',
  '/v1/customers/{id}/subscriptions': '/v1/subscriptions',
  '/v1/linked_accounts': '/v1/financial_connections/accounts',
  '/v1/linked_accounts/{id}/owners': '/v1/financial_connections/accounts/{id}/owners',
};
