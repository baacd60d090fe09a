locals {
  labels = { "app.kubernetes.io/name" = "tollgate" }
  environment = {
    TOLLGATE_ADDR              = "0.0.0.0:8080"
    TOLLGATE_GATEWAY_ADDR      = "0.0.0.0:8081"
    TOLLGATE_PUBLIC_URL        = var.public_url
    TOLLGATE_GATEWAY_URL       = var.gateway_url
    TOLLGATE_DATA_DIR          = "/var/lib/tollgate"
    TOLLGATE_LOG_FORMAT        = "json"
    TOLLGATE_SPOOL_QUOTA_BYTES = "8589934592"
  }
  # Each part that makes calls keeps their records on a volume of its own until they are in the database: proxies those of clients, the
  # control plane those of the playground, the worker those of batches and judges.
  parts = {
    api    = { port = 8080, replicas = 2 }
    worker = { port = null, replicas = 1 }
    proxy  = { port = 8081, replicas = var.proxy_replicas }
  }
  user = 10001 # of the image
}

resource "kubernetes_namespace" "this" {
  metadata { name = var.namespace }
}

resource "kubernetes_secret" "this" {
  metadata {
    name      = "tollgate"
    namespace = kubernetes_namespace.this.metadata[0].name
  }
  data = {
    DATABASE_URL = var.database_url
    TOLLGATE_KEK = var.kek
  }
}

resource "kubernetes_config_map" "this" {
  metadata {
    name      = "tollgate"
    namespace = kubernetes_namespace.this.metadata[0].name
  }
  data = local.environment
}

resource "kubernetes_job" "migrate" {
  metadata {
    # A new image is a new job: migrations run before the processes that need them.
    name      = "migrate-${substr(sha256(var.image), 0, 8)}"
    namespace = kubernetes_namespace.this.metadata[0].name
  }
  spec {
    backoff_limit = 4
    template {
      metadata { labels = local.labels }
      spec {
        restart_policy = "Never"
        container {
          name    = "migrate"
          image   = var.image
          command = ["/usr/local/bin/tollgate", "migrate"]
          env_from {
            config_map_ref { name = kubernetes_config_map.this.metadata[0].name }
          }
          env_from {
            secret_ref { name = kubernetes_secret.this.metadata[0].name }
          }
        }
      }
    }
  }
  wait_for_completion = true
}

resource "kubernetes_stateful_set" "part" {
  for_each   = local.parts
  depends_on = [kubernetes_job.migrate]
  metadata {
    name      = each.key
    namespace = kubernetes_namespace.this.metadata[0].name
  }
  spec {
    service_name          = each.key
    replicas              = each.value.replicas
    pod_management_policy = "Parallel"
    selector { match_labels = merge(local.labels, { part = each.key }) }
    template {
      metadata { labels = merge(local.labels, { part = each.key }) }
      spec {
        # Longer than TOLLGATE_DRAIN, so that running streams finish and the spool is shipped.
        termination_grace_period_seconds = 60
        security_context {
          run_as_user = local.user
          fs_group    = local.user
        }
        container {
          name    = each.key
          image   = var.image
          command = ["/usr/local/bin/${each.key}"]
          env_from {
            config_map_ref { name = kubernetes_config_map.this.metadata[0].name }
          }
          env_from {
            secret_ref { name = kubernetes_secret.this.metadata[0].name }
          }
          dynamic "readiness_probe" {
            for_each = each.value.port == null ? [] : [each.value.port]
            content {
              http_get {
                path = "/readyz"
                port = readiness_probe.value
              }
              period_seconds = 2
            }
          }
          dynamic "liveness_probe" {
            for_each = each.value.port == null ? [] : [each.value.port]
            content {
              http_get {
                path = "/livez"
                port = liveness_probe.value
              }
            }
          }
          volume_mount {
            name       = "data"
            mount_path = "/var/lib/tollgate"
          }
        }
      }
    }
    volume_claim_template {
      metadata { name = "data" }
      spec {
        access_modes = ["ReadWriteOnce"]
        resources { requests = { storage = var.spool_size } }
      }
    }
  }
}

resource "kubernetes_service" "part" {
  for_each = { api = 8080, proxy = 8081 }
  metadata {
    name      = each.key
    namespace = kubernetes_namespace.this.metadata[0].name
  }
  spec {
    selector = merge(local.labels, { part = each.key })
    port {
      port        = 80
      target_port = each.value
    }
  }
}
