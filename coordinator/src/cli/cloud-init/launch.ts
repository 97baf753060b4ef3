import { type Cloud, sizeFor } from "./machines.ts";

export interface Launch {
  readonly node: string;
  readonly roles: readonly string[];
  /** The address that the stack declares for it; null when that is not known. */
  readonly address: string | null;
  /** The file that holds the user-data. */
  readonly file: string;
}

const UBUNTU = "resolve:ssm:/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id";

/** The command that starts the machine: of the role's size, and with a metadata service that only it itself can ask. */
export function launchCommand(cloud: Cloud, launch: Launch): string {
  return (cloud === "aws" ? aws(launch) : gcp(launch)).join(" \\\n  ");
}

function aws({ node, roles, address, file }: Launch): string[] {
  const { machine, diskGb } = sizeFor("aws", roles);
  return [
    "aws ec2 run-instances",
    `--image-id ${UBUNTU}`,
    `--instance-type ${machine.type}`,
    `--block-device-mappings 'DeviceName=/dev/sda1,Ebs={VolumeSize=${diskGb},VolumeType=gp3,Encrypted=true}'`,
    "--metadata-options HttpTokens=required,HttpPutResponseHopLimit=1,HttpEndpoint=enabled",
    "--subnet-id SUBNET --security-group-ids GROUP",
    ...(address === null ? [] : [`--private-ip-address ${address}`]),
    `--tag-specifications 'ResourceType=instance,Tags=[{Key=Name,Value=${node}}]'`,
    `--user-data file://${file}`,
  ];
}

function gcp({ node, roles, address, file }: Launch): string[] {
  const { machine, diskGb } = sizeFor("gcp", roles);
  return [
    `gcloud compute instances create ${node}`,
    "--image-family ubuntu-2404-lts-amd64 --image-project ubuntu-os-cloud",
    `--machine-type ${machine.type}`,
    ...(machine.gpu ? ["--accelerator type=nvidia-tesla-t4,count=1 --maintenance-policy TERMINATE"] : []),
    `--boot-disk-size ${diskGb}GB --boot-disk-type pd-balanced`,
    "--zone ZONE --subnet SUBNET",
    ...(address === null ? [] : [`--private-network-ip ${address}`]),
    "--no-service-account --no-scopes",
    `--metadata-from-file startup-script=${file}`,
  ];
}
