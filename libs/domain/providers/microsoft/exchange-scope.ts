/**
 * What an Exchange administrator runs to let the application reach some mailboxes and no others (RBAC for Applications,
 * which replaces application access policies). A permission that was consented to for the whole tenant adds to it, so
 * the last line shows what holds in the end.
 * @param permission of Microsoft Graph, e.g. `Calendars.Read`
 */
export function exchangeScopeCommands(clientId: string, permission: string, mailbox: string): string[] {
  const role = `Application ${permission.replace(/\.All$/, '')}`
  return [
    'Connect-MgGraph -Scopes Application.Read.All',
    'Connect-ExchangeOnline',
    `$app = Get-MgServicePrincipal -Filter "appId eq '${clientId}'"`,
    'New-ServicePrincipal -AppId $app.AppId -ObjectId $app.Id -DisplayName $app.DisplayName',
    `$group = (Get-DistributionGroup 'Mandate mailboxes').DistinguishedName`,
    `New-ManagementScope -Name 'Mandate mailboxes' -RecipientRestrictionFilter "MemberOfGroup -eq '$group'"`,
    `New-ManagementRoleAssignment -App $app.AppId -Role '${role}' -CustomResourceScope 'Mandate mailboxes'`,
    `Test-ServicePrincipalAuthorization -Identity $app.AppId -Resource '${mailbox.replaceAll("'", "''")}'`,
  ]
}
