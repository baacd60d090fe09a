variable "namespace" {
  description = "Kubernetes namespace, made by this module."
  type        = string
  default     = "tollgate"
}

variable "image" {
  description = "Image built from deploy/docker/Dockerfile."
  type        = string
}

variable "database_url" {
  description = "Postgres 15 or later. The login must be no superuser and needs CREATEROLE for the first migration."
  type        = string
  sensitive   = true
}

variable "kek" {
  description = "Root key: 32 random bytes in base64. Provider credentials are sealed under it; losing it loses them."
  type        = string
  sensitive   = true
}

variable "public_url" {
  description = "How browsers reach the dashboard, for example https://tollgate.example.com."
  type        = string
}

variable "gateway_url" {
  description = "How applications reach the gateway, for example https://gateway.example.com."
  type        = string
}

variable "proxy_replicas" {
  description = "Data-plane processes. Each keeps its own spool on its own volume."
  type        = number
  default     = 2
}

variable "spool_size" {
  description = "Volume of each process for unshipped call records and the last snapshot."
  type        = string
  default     = "10Gi"
}
