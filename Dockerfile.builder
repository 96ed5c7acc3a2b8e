# Where tc builds what can't be built on the user's machine: native extensions, gems, binaries.
# tc fills BASE by runtime and CPU (`builder.images` of config.yml, else the build image of AWS),
# builds this once for each base, and copies files in and out: nothing of the project is in it.
ARG BASE=public.ecr.aws/sam/build-python3.13:latest-x86_64
FROM ${BASE}
LABEL tc=builder
# git and ssh, for dependencies in repositories; an image without a package index goes without
RUN if ! command -v git >/dev/null || ! command -v ssh >/dev/null; then \
      if command -v dnf >/dev/null; then dnf install -y git openssh-clients && dnf clean all; \
      elif command -v yum >/dev/null; then yum install -y git openssh-clients && yum clean all; \
      elif command -v apt-get >/dev/null; then apt-get update -qq && apt-get install -y -qq \
        --no-install-recommends git openssh-client && rm -rf /var/lib/apt/lists/*; \
      fi || echo "no git here"; \
    fi
ENV LANG=C.UTF-8 PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1
RUN mkdir -p /build /cache
WORKDIR /build
ENTRYPOINT []
CMD ["cat"]
