output "services" {
  description = "Cluster-internal addresses to put an ingress in front of."
  value = {
    for name, service in kubernetes_service.part :
    name => "${service.metadata[0].name}.${var.namespace}.svc.cluster.local"
  }
}
