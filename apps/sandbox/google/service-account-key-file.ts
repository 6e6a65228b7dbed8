import type { KeyObject } from 'node:crypto'

/** The JSON file that Google hands out once, when a key is created. */
export interface ServiceAccountKeyFile {
  type: 'service_account'
  project_id: string
  private_key_id: string
  private_key: string
  client_email: string
  client_id: string
  auth_uri: string
  token_uri: string
  auth_provider_x509_cert_url: string
  client_x509_cert_url: string
  universe_domain: string
}

export const keyFileFor = (
  account: { email: string; clientId: string },
  keyId: string,
  privateKey: KeyObject,
): ServiceAccountKeyFile => ({
  type: 'service_account',
  project_id: account.email.split('@')[1]?.split('.')[0] ?? '',
  private_key_id: keyId,
  private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  client_email: account.email,
  client_id: account.clientId,
  auth_uri: 'https://accounts.google.com/o/oauth2/auth',
  token_uri: 'https://oauth2.googleapis.com/token',
  auth_provider_x509_cert_url: 'https://www.googleapis.com/oauth2/v1/certs',
  client_x509_cert_url: `https://www.googleapis.com/robot/v1/metadata/x509/${encodeURIComponent(account.email)}`,
  universe_domain: 'googleapis.com',
})
